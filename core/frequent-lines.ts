/** A line that occurs often. */
export interface Frequent {
  /** Where it first stood, and its length. */
  offset: number;
  length: number;
  count: number;
}

const slots = 2048;

/**
 * The lines that occur most often, in bounded memory (J. Misra, D. Gries, "Finding repeated
 * elements", 1982): no line that makes up more than 1/2048 of all is missed, and counts are too low
 * by at most that share. Lines are told apart by a 32-bit hash and their length.
 */
export class FrequentLines {
  readonly #kept = new Map<number, Frequent>();
  #lost = 0;

  add(bytes: Buffer, from: number, to: number, offset: number): void {
    const key = hashLine(bytes, from, to);
    const known = this.#kept.get(key);
    if (known !== undefined) known.count += 1;
    else if (this.#kept.size < slots)
      this.#kept.set(key, { offset: offset + from, length: to - from, count: 1 });
    else this.#decrease();
  }

  /** Counts are exact as long as this is 0; else they may be higher by so much. */
  get uncertainty(): number {
    return this.#lost;
  }

  top(many: number): Frequent[] {
    return [...this.#kept.values()]
      .filter(({ count }) => count > 1)
      .sort((a, b) => b.count - a.count || a.offset - b.offset)
      .slice(0, many);
  }

  #decrease(): void {
    this.#lost += 1;
    for (const [key, line] of this.#kept) {
      line.count -= 1;
      if (line.count === 0) this.#kept.delete(key);
    }
  }
}

/** FNV-1a over words of four bytes, and the length: 53 bits. */
function hashLine(bytes: Buffer, from: number, to: number): number {
  let hash = 0x811c9dc5 | 0;
  let at = from;
  for (; at + 4 <= to; at += 4) {
    const word =
      (bytes[at] ?? 0) |
      ((bytes[at + 1] ?? 0) << 8) |
      ((bytes[at + 2] ?? 0) << 16) |
      ((bytes[at + 3] ?? 0) << 24);
    hash = Math.imul(hash ^ word, 0x01000193);
    hash ^= hash >>> 15;
  }
  for (; at < to; at += 1) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
  return (hash >>> 0) + ((to - from) & 0xfffff) * 0x100000000;
}
