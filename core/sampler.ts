import { classifyLine, findErrorWord } from './error-words.ts';
import { ErrorHits, excerptBytes, type Hit } from './error-hits.ts';
import { asBuffer, countNewlines } from './newlines.ts';
import { describeSample, type PreviewSample } from './sample-lines.ts';

/** Only so much of a line is searched for error words. */
const searchedBytes = 1024;
const headBytes = 4096;
const tailBytes = 4096;
const strongSlots = 88;
const weakSlots = 24;

/** After a hit: how many lines are looked through, and how many of them are kept as its context. */
const nearbyLines = 12;
const contextLines = 2;
/** A shape seen more often than this is noise: no more source locations are looked for. */
const locatedHits = 32;

export interface PreviewSampler {
  push(chunk: Uint8Array): void;
  /** What a preview may show of the bytes so far. Does not disturb what is pushed later. */
  sample(): PreviewSample;
}

/**
 * Keeps of a stream what a reader wants to see first: its first and last lines and those that look
 * like errors, with what follows them. Bounded (under 64 KiB), allocates nothing per line, and the
 * result depends on the bytes alone, not on how they were cut into chunks.
 */
export function createPreviewSampler(): PreviewSampler {
  return new Sampler();
}

class Sampler implements PreviewSampler {
  #bytes = 0;
  #lines = 0;
  #head = Buffer.alloc(0);
  #tail: Buffer | undefined;
  #tailLength = 0;
  #pending: Buffer | undefined;
  #pendingLength = 0;
  #midLine = false;
  readonly #strong = new ErrorHits(strongSlots);
  readonly #weak = new ErrorHits(weakSlots);
  #near: { hit: Hit; linesLeft: number; contextLeft: number; wantsLocation: boolean } | undefined;

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    const bytes = asBuffer(chunk);
    this.#keepEdges(bytes);
    this.#bytes += bytes.length;
    const start = this.#midLine ? this.#endPending(bytes) : 0;
    if (start === -1) return;
    const end = bytes.lastIndexOf(10) + 1;
    if (end > start) this.#scan(bytes, start, end);
    const rest = Math.max(start, end);
    if (rest < bytes.length) this.#begin(bytes, rest);
  }

  sample(): PreviewSample {
    return describeSample({
      bytes: this.#bytes,
      lines: this.#lines,
      head: this.#head,
      tail:
        this.#tail?.subarray(Math.max(0, this.#tailLength - tailBytes), this.#tailLength) ?? Buffer.alloc(0),
      pending: this.#midLine
        ? (this.#pending?.subarray(0, this.#pendingLength) ?? Buffer.alloc(0))
        : Buffer.alloc(0),
      strong: this.#strong,
      weak: this.#weak,
    });
  }

  #keepEdges(bytes: Buffer): void {
    if (this.#head.length < headBytes) {
      this.#head = Buffer.concat([this.#head, bytes.subarray(0, headBytes - this.#head.length)]);
    }
    if (this.#bytes + bytes.length <= headBytes) return;
    this.#tail ??= Buffer.allocUnsafeSlow(2 * tailBytes);
    const fresh = bytes.subarray(Math.max(0, bytes.length - tailBytes, headBytes - this.#bytes));
    if (this.#tailLength + fresh.length > this.#tail.length) {
      const keep = Math.min(tailBytes, this.#tailLength);
      this.#tail.copyWithin(0, this.#tailLength - keep, this.#tailLength);
      this.#tailLength = keep;
    }
    this.#tail.set(fresh, this.#tailLength);
    this.#tailLength += fresh.length;
  }

  /** Goes on with the line begun in an earlier chunk. Answers where the next one begins, or -1. */
  #endPending(bytes: Buffer): number {
    const newline = bytes.indexOf(10);
    this.#extend(bytes, 0, newline === -1 ? bytes.length : newline);
    if (newline === -1) return -1;
    if (this.#pending !== undefined) this.#line(this.#pending, 0, this.#pendingLength, 0);
    this.#lines += 1;
    this.#midLine = false;
    return newline + 1;
  }

  #begin(bytes: Buffer, from: number): void {
    this.#midLine = true;
    this.#pendingLength = 0;
    this.#extend(bytes, from, bytes.length);
  }

  #extend(bytes: Buffer, from: number, to: number): void {
    this.#pending ??= Buffer.allocUnsafeSlow(searchedBytes);
    const taken = Math.min(to - from, searchedBytes - this.#pendingLength);
    this.#pending.set(bytes.subarray(from, from + taken), this.#pendingLength);
    this.#pendingLength += taken;
  }

  /** Whole lines only: `from` begins one and `to` is just after a newline. */
  #scan(bytes: Buffer, from: number, to: number): void {
    let at = from;
    while (at < to) {
      let lineStart = at;
      let word = at;
      if (this.#near === undefined) {
        word = findErrorWord(bytes, at, to);
        if (word === -1) {
          this.#lines += countNewlines(bytes, at, to);
          return;
        }
        lineStart = Math.max(at, bytes.lastIndexOf(10, word) + 1);
        this.#lines += countNewlines(bytes, at, lineStart);
      }
      const lineEnd = bytes.indexOf(10, lineStart);
      this.#line(bytes, lineStart, Math.min(lineEnd, lineStart + searchedBytes), word);
      this.#lines += 1;
      at = lineEnd + 1;
    }
  }

  /** Looks at one line, whose newline is not counted yet; no error word begins before `first`. */
  #line(bytes: Buffer, from: number, to: number, first: number): void {
    const word = classifyLine(bytes, from, to, first);
    if (word === undefined) {
      this.#lookNear(bytes, from, to);
    } else if (word.strong) {
      const { hit, shape } = this.#strong.add(bytes, from, to, word.at, this.#lines + 1);
      this.#near =
        shape.count > locatedHits
          ? undefined
          : {
              hit,
              linesLeft: nearbyLines,
              contextLeft: shape.count === 1 ? contextLines : 0,
              wantsLocation: true,
            };
    } else {
      if (this.#near === undefined) this.#weak.add(bytes, from, to, word.at, this.#lines + 1);
      this.#lookNear(bytes, from, to);
    }
  }

  #lookNear(bytes: Buffer, from: number, to: number): void {
    const near = this.#near;
    if (near === undefined) return;
    const text = bytes.toString('latin1', from, Math.min(to, from + excerptBytes));
    const located = near.wantsLocation && location.test(text);
    const told = near.contextLeft > 0 && /\w/.test(text);
    if (located || told) this.#strong.addNear(near.hit, bytes, from, to, this.#lines + 1);
    if (located) near.wantsLocation = false;
    if (told) near.contextLeft -= 1;
    near.linesLeft -= 1;
    if (near.linesLeft === 0 || (near.contextLeft === 0 && !near.wantsLocation)) this.#near = undefined;
  }
}

/** `file.ts:12`, `file.ts(12`, `File "x.py"`, `--> src/x.rs`, and the `❯` (latin1 here) of test runners. */
const location = /\.[A-Za-z]{1,5}[:(]\d|File "|--> |\u00e2\u009d\u00af /;
