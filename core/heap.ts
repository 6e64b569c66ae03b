/** An item in a heap, by which it is found there again. */
export interface HeapEntry<T> {
  readonly item: T;
  /** Where it lies; -1 once it is out. */
  at: number;
}

/** A binary heap that finds its items again: removing one, or moving one that changed, costs O(log n). */
export class Heap<T> {
  readonly #entries: HeapEntry<T>[] = [];
  readonly #isBefore: (a: T, b: T) => boolean;

  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore;
  }

  get size(): number {
    return this.#entries.length;
  }

  get top(): T | undefined {
    return this.#entries[0]?.item;
  }

  push(item: T): HeapEntry<T> {
    const entry = { item, at: this.#entries.length };
    this.#entries.push(entry);
    this.#rise(entry);
    return entry;
  }

  pop(): T | undefined {
    const first = this.#entries[0];
    if (first !== undefined) this.remove(first);
    return first?.item;
  }

  /** An entry of this heap; one that is out already stays out. */
  remove(entry: HeapEntry<T>): void {
    const { at } = entry;
    if (at < 0) return;
    entry.at = -1;
    const last = this.#entries.pop();
    if (last === undefined || last === entry) return;
    this.#put(last, at);
    this.moved(last);
  }

  /** After a change of what decides an entry's place. */
  moved(entry: HeapEntry<T>): void {
    if (entry.at < 0) return;
    this.#rise(entry);
    this.#sink(entry);
  }

  #rise(entry: HeapEntry<T>): void {
    while (entry.at > 0) {
      const { at } = entry;
      const parent = this.#entries[(at - 1) >>> 1];
      if (parent === undefined || !this.#isBefore(entry.item, parent.item)) return;
      this.#put(entry, parent.at);
      this.#put(parent, at);
    }
  }

  #sink(entry: HeapEntry<T>): void {
    for (;;) {
      const { at } = entry;
      const left = this.#entries[2 * at + 1];
      const right = this.#entries[2 * at + 2];
      const child =
        left !== undefined && right !== undefined && this.#isBefore(right.item, left.item) ? right : left;
      if (child === undefined || !this.#isBefore(child.item, entry.item)) return;
      this.#put(entry, child.at);
      this.#put(child, at);
    }
  }

  #put(entry: HeapEntry<T>, at: number): void {
    this.#entries[at] = entry;
    entry.at = at;
  }
}
