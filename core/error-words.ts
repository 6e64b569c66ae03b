/**
 * Words that make a line of output worth showing. At least four bytes each: the search looks at
 * every fourth byte where it can.
 */
const words = [
  'error',
  'fail',
  'exception',
  'panic',
  'fatal',
  'traceback',
  'assert',
  'abort',
  'err!',
  'not ok',
  'denied',
  'refused',
  'cannot',
  'segmentation fault',
  'killed',
  'timed out',
  'unhandled',
  'undefined reference',
  'no such file',
];
/** Marks test runners put before a failed test: ` × `, `✗ `, `✘ `, `✖ `, `✕ `, `❌ `, `● `, coloured or not. */
const crosses = ['✗', '✘', '✖', '✕', '❌', '●'];
const marks = [' × ', 'm×\x1b[', ...crosses.flatMap((cross) => [`${cross} `, `${cross}\x1b[`])];

const window = 4;
const patterns = [...words.map((word) => Buffer.from(word)), ...marks.map((mark) => Buffer.from(mark))];

// Wu-Manber search with blocks of two bytes (S. Wu, U. Manber, "A fast algorithm for multi-pattern
// searching", 1994), after a first look at one byte, which alone skips most of a log's digits.
const byteShift = new Uint8Array(256).fill(window);
const blockShift = new Uint8Array(1 << 14).fill(window - 1);
const byBlock: (Buffer[] | undefined)[] = Array.from({ length: 1 << 14 });

function block(first: number, second: number): number {
  return ((first & 0x7f) << 7) | (second & 0x7f);
}

function bothCases(byte: number): number[] {
  return byte >= 0x61 && byte <= 0x7a ? [byte, byte - 0x20] : [byte];
}

for (const pattern of patterns) {
  for (let at = 0; at < window; at += 1) {
    for (const byte of bothCases(pattern[at] ?? 0)) {
      byteShift[byte] = Math.min(byteShift[byte] ?? 0, window - 1 - at);
      if (at === 0) continue;
      for (const before of bothCases(pattern[at - 1] ?? 0)) {
        const key = block(before, byte);
        blockShift[key] = Math.min(blockShift[key] ?? 0, window - 1 - at);
        if (at === window - 1) byBlock[key] = [...(byBlock[key] ?? []), pattern];
      }
    }
  }
}

/** Position of the first error word that lies wholly in `[from, to)`, or -1. */
export function findErrorWord(bytes: Buffer, from: number, to: number): number {
  let at = from + window - 1;
  while (at < to) {
    const last = bytes[at] ?? 0;
    if (byteShift[last] === window) {
      at += window;
      continue;
    }
    const key = (((bytes[at - 1] ?? 0) & 0x7f) << 7) | (last & 0x7f);
    const shift = blockShift[key] ?? 1;
    if (shift === 0) {
      const start = at - window + 1;
      if (wordLength(bytes, start, to, key) > 0) return start;
      at += 1;
    } else {
      at += shift;
    }
  }
  return -1;
}

/** Length of the error word that begins at `start`; 0 where there is none. */
function wordLength(bytes: Buffer, start: number, to: number, key: number): number {
  const candidates = byBlock[key];
  if (candidates === undefined) return 0;
  for (const pattern of candidates) {
    if (start + pattern.length <= to && matches(bytes, start, pattern)) return pattern.length;
  }
  return 0;
}

function matches(bytes: Buffer, start: number, pattern: Buffer): boolean {
  for (let at = 0; at < pattern.length; at += 1) {
    const wanted = pattern[at] ?? 0;
    const byte = bytes[start + at] ?? 0;
    if (byte !== wanted && !(wanted >= 0x61 && wanted <= 0x7a && byte === wanted - 0x20)) return false;
  }
  return true;
}

/** How much an error word says: `strong` speaks of an error, `weak` may be a mere name (`errors.ts`). */
export interface ErrorWord {
  at: number;
  strong: boolean;
}

/**
 * The first strong error word of the line `[from, to)`, else the first weak one. "0 errors" is none
 * at all. The search begins at `first`: no word begins before it.
 */
export function classifyLine(bytes: Buffer, from: number, to: number, first = from): ErrorWord | undefined {
  let weak: ErrorWord | undefined;
  let at = findErrorWord(bytes, first, to);
  while (at !== -1) {
    const meaning = meaningOf(bytes, at, from, to);
    if (meaning === 'strong') return { at, strong: true };
    if (meaning === 'weak') weak ??= { at, strong: false };
    at = findErrorWord(bytes, at + 1, to);
  }
  return weak;
}

function meaningOf(bytes: Buffer, at: number, from: number, to: number): 'strong' | 'weak' | 'none' {
  let end = at;
  while (end < to && isLetter(bytes[end])) end += 1;
  if (end === at) return 'strong';
  if (deniedBefore(bytes, at, from) || zeroAfter(bytes, end, to)) return 'none';
  const before = at > from && !colourEnds(bytes, at, from) ? bytes[at - 1] : undefined;
  const after = end < to ? bytes[end] : undefined;
  const camelStart = isUpper(bytes[at]) && isLetter(before) && !isUpper(before);
  if (isNamePart(before) && !camelStart) return 'weak';
  const beyond = end + 1 < to ? bytes[end + 1] : undefined;
  const goesOn = isNamePart(after) && (after !== dot || isLetter(beyond));
  return goesOn ? 'weak' : 'strong';
}

const space = 0x20;
const dot = 0x2e;
const zero = 0x30;

/** "0 ", "no " or "without " right before the word. */
function deniedBefore(bytes: Buffer, at: number, from: number): boolean {
  if (at - 2 < from || bytes[at - 1] !== space) return false;
  const last = (bytes[at - 2] ?? 0) | 0x20;
  if (bytes[at - 2] === zero) return at - 3 < from || !isDigitOrDot(bytes[at - 3]);
  // Only now the slower look: the letter before is the last of "no" or of "without".
  if (last !== 0x6f && last !== 0x74) return false;
  return /(?:^|[^a-z])(?:no|without) $/i.test(bytes.toString('latin1', Math.max(from, at - 10), at));
}

/** A colour sequence (`ESC [ 31 m`) right before the word: its last letter is no part of a name. */
function colourEnds(bytes: Buffer, at: number, from: number): boolean {
  if (bytes[at - 1] !== 0x6d) return false;
  return /\x1b\[[\d;]*m$/.test(bytes.toString('latin1', Math.max(from, at - 16), at));
}

/** `: 0`, `=0` or `": 0` right after the word. */
function zeroAfter(bytes: Buffer, end: number, to: number): boolean {
  let at = bytes[end] === 0x22 ? end + 1 : end;
  if (bytes[at] !== 0x3a && bytes[at] !== 0x3d) return false;
  at += bytes[at + 1] === space ? 2 : 1;
  if (at >= to || bytes[at] !== zero) return false;
  const after = at + 1 < to ? bytes[at + 1] : undefined;
  return !isDigitOrDot(after) && after !== 0x78;
}

function isUpper(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x41 && byte <= 0x5a;
}

function isLetter(byte: number | undefined): boolean {
  return byte !== undefined && (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;
}

function isDigitOrDot(byte: number | undefined): boolean {
  return byte !== undefined && ((byte >= zero && byte <= 0x39) || byte === dot);
}

/** Letters, digits, and what joins the parts of a path, a flag or an identifier: `- . / \ _`. */
function isNamePart(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  const joins = byte === 0x2d || byte === dot || byte === 0x2f || byte === 0x5c || byte === 0x5f;
  return joins || isLetter(byte) || (byte >= zero && byte <= 0x39);
}
