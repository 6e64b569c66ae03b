import { digit, is, letter } from './characters.ts';

/** Shorter than what an address of a few letters takes, in groups of four. */
const leastRun = 20;

export interface Run {
  start: number;
  end: number;
}

/**
 * The first run at or after `from` that is base64 of text (RFC 4648). Where a run could end is looked at
 * first, backwards: the first byte that is none of its alphabet tells that no run begins before it.
 */
export function firstBase64(bytes: Uint8Array, from: number, to: number): Run | undefined {
  let least = from;
  let start = least + leastRun;
  while (start <= to) {
    const last = start;
    while (start > least && inAlphabet[bytes[start - 1] ?? 0] === 1) start -= 1;
    if (start > least) {
      least = start;
      start += leastRun;
      continue;
    }
    let end = last;
    while (end < to && inAlphabet[bytes[end] ?? 0] === 1) end += 1;
    if (mayBeText(bytes, start, end)) {
      while (start > from && (inAlphabet[bytes[start - 1] ?? 0] === 1 || isOfOtherAlphabet(bytes[start - 1])))
        start -= 1;
      while (end < to && (inAlphabet[bytes[end] ?? 0] === 1 || isOfOtherAlphabet(bytes[end]))) end += 1;
      const run = textRun(bytes, start, end);
      if (run !== undefined) return run;
    }
    least = end + 1;
    start = least + leastRun;
  }
  return undefined;
}

const inAlphabet = new Uint8Array(256);
for (let byte = 0; byte < 0x80; byte += 1) {
  inAlphabet[byte] = is(byte, letter | digit) || byte === 0x2b || byte === 0x2f ? 1 : 0;
}

/** The two characters of the other alphabet (RFC 4648 §5): hardly ever met in text, so that runs are found without. */
function isOfOtherAlphabet(byte: number | undefined): boolean {
  return byte === 0x2d || byte === 0x5f;
}

/** Cheap: both cases, and the first groups decode to what text is made of. */
function mayBeText(bytes: Uint8Array, start: number, end: number): boolean {
  let kinds = 0;
  const most = Math.min(end, start + 64);
  for (let at = start; at < most && kinds !== 3; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte >= 0x61) kinds |= 2;
    else if (byte >= 0x41) kinds |= 1;
  }
  return kinds === 3;
}

/** The run, or what follows its last slash where the whole is a path. */
function textRun(bytes: Uint8Array, start: number, end: number): Run | undefined {
  if (isText(decoded(bytes, start, end))) return { start, end };
  let slash = start;
  for (let at = end - 1; at > start; at -= 1) {
    if (bytes[at] === 0x2f) {
      slash = at + 1;
      break;
    }
  }
  if (slash > start && end - slash >= leastRun && isText(decoded(bytes, slash, end)))
    return { start: slash, end };
  return undefined;
}

export function decoded(bytes: Uint8Array, start: number, end: number): Buffer {
  return Buffer.from(
    Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1'),
    'base64',
  );
}

/** No control characters, and hardly anything beyond ASCII that is not UTF-8's. */
function isText(content: Buffer): boolean {
  const most = Math.min(content.length, 48);
  let beyond = 0;
  for (let at = 0; at < most; at += 1) {
    const byte = content[at] ?? 0;
    if (byte < 0x20 && byte !== 10 && byte !== 13 && byte !== 9) return false;
    if (byte === 0x7f) return false;
    if (byte >= 0x80) beyond += 1;
  }
  return beyond * 4 <= most;
}
