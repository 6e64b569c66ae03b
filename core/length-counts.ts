/** Below this each length has a count of its own. */
const exactBelow = 256;
const stepsADoubling = 16;

/** How often each length occurs, in bounded memory: exact when short, to 4 % beyond. */
export class LengthCounts {
  readonly #counts = new Float64Array(exactBelow + stepsADoubling * 48);
  #total = 0;

  add(length: number): void {
    const bucket =
      length < exactBelow ? length : exactBelow + Math.floor(Math.log2(length / exactBelow) * stepsADoubling);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#total += 1;
  }

  /** The length that `share` (0…1) of all do not exceed. */
  quantile(share: number): number {
    let left = this.#total * share;
    for (const [bucket, count] of this.#counts.entries()) {
      left -= count;
      if (left > 0 || count === 0) continue;
      if (bucket < exactBelow) return bucket;
      return Math.round(exactBelow * 2 ** ((bucket - exactBelow) / stepsADoubling));
    }
    return 0;
  }
}
