/** Waits that double from `firstMs` to `longestMs`, until something went well. */
export interface Backoff {
  nextMs(): number;
  reset(): void;
}

export function createBackoff(firstMs: number, longestMs: number): Backoff {
  let nextMs = firstMs;
  return {
    nextMs() {
      const waitMs = nextMs;
      nextMs = Math.min(longestMs, nextMs * 2);
      return waitMs;
    },
    reset() {
      nextMs = firstMs;
    },
  };
}
