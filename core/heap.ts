/** A binary heap that finds its items again: removing one, or moving one that changed, costs O(log n). */
export class Heap<T> {
  readonly #items: T[] = [];
  readonly #places = new Map<T, number>();
  readonly #isBefore: (a: T, b: T) => boolean;

  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore;
  }

  get size(): number {
    return this.#items.length;
  }

  get top(): T | undefined {
    return this.#items[0];
  }

  has(item: T): boolean {
    return this.#places.has(item);
  }

  /** In no order. */
  values(): Iterable<T> {
    return this.#items;
  }

  push(item: T): void {
    this.#put(item, this.#items.length);
    this.#rise(this.#items.length - 1);
  }

  /** Whether it was there. */
  remove(item: T): boolean {
    const at = this.#places.get(item);
    if (at === undefined) return false;
    this.#places.delete(item);
    const last = this.#items.pop();
    if (last !== undefined && last !== item) {
      this.#put(last, at);
      this.#settle(at);
    }
    return true;
  }

  /** After a change of what decides its place. */
  moved(item: T): void {
    const at = this.#places.get(item);
    if (at !== undefined) this.#settle(at);
  }

  #settle(at: number): void {
    if (this.#rise(at) === at) this.#sink(at);
  }

  #rise(from: number): number {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (!this.#swapIfBefore(at, parent)) break;
      at = parent;
    }
    return at;
  }

  #sink(from: number): void {
    let at = from;
    for (;;) {
      const left = 2 * at + 1;
      const right = left + 1;
      const child = right < this.#items.length && this.#isBeforeAt(right, left) ? right : left;
      if (child >= this.#items.length || !this.#swapIfBefore(child, at)) return;
      at = child;
    }
  }

  #isBeforeAt(a: number, b: number): boolean {
    const [one, other] = [this.#items[a], this.#items[b]];
    return one !== undefined && other !== undefined && this.#isBefore(one, other);
  }

  #swapIfBefore(lower: number, upper: number): boolean {
    const [low, high] = [this.#items[lower], this.#items[upper]];
    if (low === undefined || high === undefined || !this.#isBefore(low, high)) return false;
    this.#put(low, upper);
    this.#put(high, lower);
    return true;
  }

  #put(item: T, at: number): void {
    this.#items[at] = item;
    this.#places.set(item, at);
  }
}
