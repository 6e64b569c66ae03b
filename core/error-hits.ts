import { diagnosticCode } from './diagnostic-code.ts';
import { codeShape, lineShape } from './line-shape.ts';

/** Bytes kept of a line. */
export const excerptBytes = 224;
/** Where the error word lies deeper in its line than this, the excerpt starts a little before it. */
const deepBytes = 120;
const leadBytes = 40;
const shapeBytes = 400;

/** A kept line. `slot` is its place in the slab. */
export interface Hit {
  line: number;
  slot: number;
  length: number;
  clippedLeft: boolean;
  /** Of a line around a hit: it says what went wrong, or where. */
  tells: boolean;
  /** Lines around it that say more: its context, and where in the sources it happened. */
  near: Hit[];
}

/** Lines of one shape, or with one diagnostic code: how many there were, and the first and the last few of them. */
export interface Shape {
  hash: number;
  /** That of a compiler or linter, where lines of this shape have one. */
  code: string | undefined;
  count: number;
  first: Hit[];
  last: Hit[];
}

/**
 * Error-like lines in bounded memory: of each shape the first and the last few, by a cap that is
 * halved when the slots run out; after that new shapes push out those that were neither among the
 * first nor seen lately.
 */
export class ErrorHits {
  readonly #slots: number;
  /** The first shapes there were: kept for good. */
  readonly #early = new Map<number, Shape>();
  /** Of the others those seen last: the one not seen for longest makes room. */
  readonly #recent = new Map<number, Shape>();
  #slab: Buffer | undefined;
  #free: number[] = [];
  #nearCount = 0;
  #cap = 16;

  constructor(slots: number) {
    this.#slots = slots;
  }

  get shapes(): Shape[] {
    return [...this.#early.values(), ...this.#recent.values()];
  }

  /** Takes in the line `[from, to)` whose error word begins at `word`. Answers the hit kept, and its shape. */
  add(bytes: Buffer, from: number, to: number, word: number, line: number): { hit: Hit; shape: Shape } {
    const code = diagnosticCode(bytes, from, to, word);
    const hash =
      code === undefined ? lineShape(bytes, from, Math.min(to, from + shapeBytes)) : codeShape(code);
    const shape = this.#early.get(hash) ?? this.#seenAgain(hash) ?? this.#newShape(hash, code);
    shape.count += 1;
    if (shape.first.length >= Math.ceil(this.#cap / 2) && shape.last.length >= Math.floor(this.#cap / 2)) {
      this.#release(shape.last.shift());
    }
    const start = word - from > deepBytes ? word - leadBytes : from;
    const hit = this.#keep(bytes, start, to, line, start > from);
    if (shape.first.length < Math.ceil(this.#cap / 2)) shape.first.push(hit);
    else shape.last.push(hit);
    return { hit, shape };
  }

  /** Keeps a line that belongs to a hit. */
  addNear(
    hit: Hit,
    bytes: Buffer,
    from: number,
    to: number,
    { line, tells }: Pick<Hit, 'line' | 'tells'>,
  ): void {
    if (this.#free.length <= this.#slots / 8) return;
    hit.near.push({ ...this.#keep(bytes, from, to, line, false), tells });
    this.#nearCount += 1;
  }

  /** The bytes kept of a hit. */
  excerpt(hit: Hit): Buffer {
    const start = hit.slot * excerptBytes;
    return this.#slab?.subarray(start, start + hit.length) ?? Buffer.alloc(0);
  }

  #seenAgain(hash: number): Shape | undefined {
    const shape = this.#recent.get(hash);
    if (shape === undefined) return undefined;
    this.#recent.delete(hash);
    this.#recent.set(hash, shape);
    return shape;
  }

  #newShape(hash: number, code: string | undefined): Shape {
    const shape: Shape = { hash, code, count: 0, first: [], last: [] };
    (this.#early.size < this.#slots / 4 ? this.#early : this.#recent).set(hash, shape);
    return shape;
  }

  #keep(bytes: Buffer, from: number, to: number, line: number, clippedLeft: boolean): Hit {
    const slot = this.#take();
    const length = Math.min(to - from, excerptBytes);
    this.#slab?.set(bytes.subarray(from, from + length), slot * excerptBytes);
    return { line, slot, length, clippedLeft, tells: true, near: [] };
  }

  #take(): number {
    if (this.#slab === undefined) {
      this.#slab = Buffer.allocUnsafeSlow(this.#slots * excerptBytes);
      this.#free = Array.from({ length: this.#slots }, (_, slot) => this.#slots - 1 - slot);
    }
    while (this.#free.length === 0) this.#makeRoom();
    return this.#free.pop() ?? 0;
  }

  #makeRoom(): void {
    if (this.#cap > 1) {
      this.#cap = Math.floor(this.#cap / 2);
      for (const shape of this.shapes) this.#trim(shape);
      return;
    }
    if (this.#nearCount > 0) {
      for (const shape of this.shapes) {
        for (const hit of [...shape.first, ...shape.last]) this.#releaseNear(hit);
      }
      return;
    }
    for (const shape of this.#recent.values()) return this.#forget(shape);
  }

  #trim(shape: Shape): void {
    for (const hit of shape.first.splice(Math.ceil(this.#cap / 2))) this.#release(hit);
    const keep = Math.floor(this.#cap / 2);
    for (const hit of shape.last.splice(0, Math.max(0, shape.last.length - keep))) this.#release(hit);
  }

  #forget(shape: Shape): void {
    for (const hit of [...shape.first, ...shape.last]) this.#release(hit);
    this.#recent.delete(shape.hash);
  }

  #release(hit: Hit | undefined): void {
    if (hit === undefined) return;
    this.#free.push(hit.slot);
    this.#releaseNear(hit);
  }

  #releaseNear(hit: Hit): void {
    for (const near of hit.near.splice(0)) {
      this.#free.push(near.slot);
      this.#nearCount -= 1;
    }
  }
}
