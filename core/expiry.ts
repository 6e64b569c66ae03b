/** When what a run has put out is no longer kept, ms since the epoch; undefined while it goes on. */
export function expiryOf(endedAt: number | undefined, keepMs: number): number | undefined {
  return endedAt === undefined ? undefined : endedAt + keepMs;
}
