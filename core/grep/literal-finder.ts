import type { Required } from './required-literals.ts';

/** Looks for a set of literals in one stretch of bytes after another. */
export interface LiteralFinder {
  /** Takes up new bytes; positions are looked for in these from now on. */
  begin(bytes: Buffer): void;
  /** Where the first of the literals at or after `from` begins, or -1. `from` only ever grows. */
  next(from: number): number;
  /** Bytes of the longest literal. */
  readonly length: number;
}

/** How often each byte occurs is taken from the first bytes of the content. */
const sampleBytes = 64 * 1024;

export function createLiteralFinder({
  literals,
  ignoreCase,
}: Pick<Required, 'literals' | 'ignoreCase'>): LiteralFinder {
  const finders = literals.map((literal) => (ignoreCase ? foldingFinder(literal) : exactFinder(literal)));
  /** Where each literal occurs next, as far as is known. */
  const positions = finders.map(() => -1);
  let bytes: Buffer = Buffer.alloc(0);
  return {
    length: Math.max(...finders.map((finder) => finder.length)),
    begin(content) {
      bytes = content;
      positions.fill(-1);
    },
    next(from) {
      let first = Infinity;
      for (const [at, finder] of finders.entries()) {
        let position = positions[at] ?? -1;
        if (position < from) {
          position = finder.find(bytes, from);
          if (position === -1) position = Infinity;
          positions[at] = position;
        }
        if (position < first) first = position;
      }
      return first === Infinity ? -1 : first;
    },
  };
}

interface Finder {
  length: number;
  find(bytes: Buffer, from: number): number;
}

/**
 * memchr for the literal's rarest byte in this content, then the rest: Buffer.indexOf looks for the
 * first byte of what it is given, so it is given the literal from its rarest byte on.
 */
function exactFinder(literal: string): Finder {
  const wanted = Buffer.from(literal);
  let lead: number | undefined;
  let rest = wanted;
  return {
    length: wanted.length,
    find(bytes, from) {
      if (lead === undefined) {
        lead = rarestByte(wanted, bytes);
        rest = wanted.subarray(lead);
      }
      for (let at = bytes.indexOf(rest, from + lead); at !== -1; at = bytes.indexOf(rest, at + 1)) {
        const start = at - lead;
        if (lead === 0 || bytes.compare(wanted, 0, lead, start, at) === 0) return start;
      }
      return -1;
    },
  };
}

function rarestByte(wanted: Buffer, content: Buffer): number {
  const counts = new Uint32Array(256);
  const length = Math.min(content.length, sampleBytes);
  for (let at = 0; at < length; at += 1) counts[content[at] ?? 0] = (counts[content[at] ?? 0] ?? 0) + 1;
  const countAt = (at: number): number => counts[wanted[at] ?? 0] ?? 0;
  let rarest = 0;
  for (let at = 1; at < wanted.length; at += 1) if (countAt(at) < countAt(rarest)) rarest = at;
  return rarest;
}

/** Horspool's search (R. N. Horspool, "Practical fast searching in strings", 1980), ASCII letters in either case. */
function foldingFinder(literal: string): Finder {
  const wanted = Buffer.from(literal.toLowerCase(), 'latin1');
  const { length } = wanted;
  const shifts = new Uint16Array(256).fill(length);
  for (let at = 0; at < length - 1; at += 1) {
    const byte = wanted[at] ?? 0;
    for (const one of bothCases(byte)) shifts[one] = length - 1 - at;
  }
  const last = wanted[length - 1] ?? 0;
  return {
    length,
    find(bytes, from) {
      for (let end = from + length - 1; end < bytes.length;) {
        const byte = bytes[end] ?? 0;
        if (fold(byte) === last && equalsFolded(bytes, end - length + 1, wanted)) return end - length + 1;
        end += shifts[byte] ?? 1;
      }
      return -1;
    },
  };
}

function equalsFolded(bytes: Buffer, from: number, wanted: Buffer): boolean {
  for (let at = 0; at < wanted.length; at += 1) {
    if (fold(bytes[from + at] ?? 0) !== wanted[at]) return false;
  }
  return true;
}

function fold(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

function bothCases(byte: number): number[] {
  return byte >= 0x61 && byte <= 0x7a ? [byte, byte - 0x20] : [byte];
}

/** The Kelvin sign and the long s: the two characters beyond ASCII that are a letter of ASCII in another case. */
const strangers = [Buffer.from('\u212a'), Buffer.from('\u017f')];

/** Whether a search for folded literals would miss some, because ASCII letters stand in disguise. */
export function hidesLetters(bytes: Buffer): boolean {
  return strangers.some((stranger) => bytes.includes(stranger));
}
