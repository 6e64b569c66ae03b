/** Numbers that come again with the same seed (mulberry32). */
export interface Random {
  /** 0 ≤ n < below, whole. */
  int(below: number): number;
  pick<T>(list: readonly T[]): T | undefined;
  /** Numbers of their own for the n-th of something: the same however many others were drawn before. */
  of(what: 'run' | 'batch' | 'strike' | 'round', n: number): Random;
}

const salts = { run: 0x9e3779b1, batch: 0x85ebca6b, strike: 0xc2b2ae35, round: 0x27d4eb2f };

export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const int = (below: number): number => Math.floor(next() * below);
  return {
    int,
    pick: (list) => list[int(list.length)],
    of: (what, n) => createRandom(Math.imul(seed ^ salts[what], 0x2545f491) + Math.imul(n + 1, salts[what])),
  };
}
