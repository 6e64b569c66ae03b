import {
  afterNewline,
  asBuffer,
  countInWords,
  countNewlines,
  nextNewline,
  shortLineBytes,
} from '../../../core/newlines.ts';

/** One offset is kept for every so many lines, or for a power of two of that many. */
export const indexedLines = 256;
const newline = 10;
/** Most bytes counted together after a short line, and how many for a newline that is still to come. */
const [blockBytes, bytesForLine] = [4096, 4];
/** Past so many offsets (half a megabyte) every other one is dropped: very short lines cost no more memory. */
const maxOffsets = 65_536;

/**
 * Where lines begin, while bytes are appended. 8 bytes of memory for 256 lines, of more where the lines
 * are many; the rest of the way to a line is a short scan.
 */
export class LineIndex {
  /** Offset of the line after each so-manieth newline. */
  #offsets: number[] = [];
  #stride = indexedLines;
  #bytes = 0;
  #newlines = 0;
  #endsLine = true;

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    const bytes = asBuffer(chunk);
    const { length } = bytes;
    // The newlines until the next one whose offset is kept.
    let left = this.#stride - (this.#newlines % this.#stride);
    let found = 0;
    for (let at = 0; at < length;) {
      const next = bytes.indexOf(newline, at);
      if (next === -1) break;
      const isShort = next - at < shortLineBytes;
      at = next + 1;
      found += 1;
      if (isShort && found < left) {
        const end = Math.min(at + Math.min(blockBytes, (left - found) * bytesForLine), length);
        const more = countInWords(bytes, at, end);
        const isPast = found + more >= left;
        at = isPast ? afterNewline(bytes, at, left - found) : end;
        found = isPast ? left : found + more;
      }
      if (found < left) continue;
      this.#keep(this.#bytes + at);
      left = found + this.#stride - ((this.#newlines + found) % this.#stride);
    }
    this.#newlines += found;
    this.#bytes += bytes.length;
    this.#endsLine = bytes[bytes.length - 1] === 10;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Newlines, plus one where the last line has none. */
  get lines(): number {
    return this.#newlines + (this.#endsLine ? 0 : 1);
  }

  /** How many offsets there are: what it takes of memory, and the most newlines on the way to a line. */
  get size(): { offsets: number; stride: number } {
    return { offsets: this.#offsets.length, stride: this.#stride };
  }

  /**
   * Where to start looking for a line (from 1), where to stop, and how many newlines lie between the start
   * and its beginning.
   */
  near(line: number): { offset: number; until: number; newlines: number } {
    const before = Math.max(0, line - 1);
    const entry = Math.min(Math.floor(before / this.#stride), this.#offsets.length);
    const offset = entry === 0 ? 0 : (this.#offsets[entry - 1] ?? 0);
    const until = this.#offsets[entry] ?? this.#bytes;
    return { offset, until, newlines: before - entry * this.#stride };
  }

  #keep(offset: number): void {
    this.#offsets.push(offset);
    if (this.#offsets.length < maxOffsets) return;
    this.#offsets = this.#offsets.filter((_, at) => at % 2 === 1);
    this.#stride *= 2;
  }
}

/** Position just after the `count`-th newline of `bytes`, or how many newlines there are. */
export function afterNewlines(bytes: Buffer, count: number): { found: number } | { seen: number } {
  let at = -1;
  for (let seen = 0; seen < count; seen += 1) {
    at = nextNewline(bytes, at + 1);
    if (at === -1) return { seen: countNewlines(bytes, 0, bytes.length) };
  }
  return { found: at + 1 };
}
