/** The time a suite has in all, however much of it is left to do. */
export interface Time {
  /** ms; never below 0. */
  leftMs(): number;
  /** No more faults: what is left is needed to see how everything ends. */
  isUp(): boolean;
}

/** For the fleet to settle, and to be judged and taken down. */
const settleMs = 50_000;

export function timeOf(forMs: number): Time {
  const endMs = performance.now() + forMs;
  const leftMs = (): number => Math.max(0, endMs - performance.now());
  return { leftMs, isUp: () => leftMs() < Math.min(settleMs, forMs / 2) };
}
