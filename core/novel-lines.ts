import { excerptBytes } from './error-hits.ts';
import { lineShape } from './line-shape.ts';

/** A line whose shape no other line had. */
export interface NovelLine {
  /** From 1. */
  line: number;
  excerpt: Buffer;
}

/** So much of a stream is looked through: to look costs several times what all else of a preview does. */
const lookedBytes = 2 ** 20;
/** An output of more shapes is not repetitive: that a line is like no other says nothing there. */
const maxShapes = 256;
const shapeBytes = 64;
const maxNovel = 12;
/** So many lines a shape make an output repetitive. */
const repetitive = 8;

/**
 * The few lines that differ from all others in an output that repeats itself. Bounded (under 64 KiB, and
 * in the bytes it looks at); gives up for good on an output that does not.
 */
export class NovelLines {
  /** By shape its only line so far; undefined once there were two. */
  readonly #shapes = new Map<number, NovelLine | undefined>();
  #last: number | undefined;
  #looked = 0;
  #lines = 0;

  get isLooking(): boolean {
    return this.#looked < lookedBytes;
  }

  /** Takes in the line `[from, to)`. */
  add(bytes: Buffer, from: number, to: number, line: number): void {
    this.#looked += to - from + 1;
    this.#lines += 1;
    const shape = lineShape(bytes, from, Math.min(to, from + shapeBytes));
    // The shape of the line before, most often, or one there were two of.
    if (shape === this.#last) return;
    const known = this.#shapes.get(shape);
    if (known !== undefined) this.#shapes.set(shape, undefined);
    if (known !== undefined || this.#shapes.has(shape)) {
      this.#last = shape;
      return;
    }
    const excerpt = Buffer.from(bytes.subarray(from, Math.min(to, from + excerptBytes)));
    this.#shapes.set(shape, { line, excerpt });
    if (this.#shapes.size <= maxShapes) return;
    this.#looked = lookedBytes;
    this.#shapes.clear();
  }

  get found(): NovelLine[] {
    if (this.#lines < repetitive * this.#shapes.size) return [];
    const novel = [...this.#shapes.values()].filter((line) => line !== undefined);
    return novel.length > maxNovel
      ? []
      : novel.filter(({ excerpt }) => /\w/.test(excerpt.toString('latin1')));
  }
}
