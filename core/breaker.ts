/** How the attempts on one worker have ended of late, and whether it gets any. Times are ms of one clock. */
export interface Breaker {
  /** Within the window, oldest first. */
  ends: readonly { atMs: number; failed: boolean }[];
  /** Set while it is not closed. */
  open: { untilMs: number; forMs: number } | undefined;
}

export const windowMs = 60_000;
export const fewestStarts = 5;
export const firstOpenMs = 15_000;
export const longestOpenMs = 300_000;

export const closedBreaker: Breaker = { ends: [], open: undefined };

/** `half_open`: one attempt may try whether the worker works again. */
export function phaseOf({ open }: Breaker, nowMs: number): 'closed' | 'open' | 'half_open' {
  if (open === undefined) return 'closed';
  return nowMs < open.untilMs ? 'open' : 'half_open';
}

/** An attempt ended; `failed` where that was the worker's fault. `probe`: it was the one that tried. */
export function afterEnd(breaker: Breaker, end: { failed: boolean; probe: boolean; nowMs: number }): Breaker {
  const { failed, probe, nowMs } = end;
  const { open } = breaker;
  if (open !== undefined) {
    // Ends of attempts from before it opened say nothing new.
    if (!probe) return breaker;
    return failed ? opened(Math.min(longestOpenMs, open.forMs * 2), nowMs) : closedBreaker;
  }
  const ends = [...breaker.ends.filter(({ atMs }) => nowMs - atMs < windowMs), { atMs: nowMs, failed }];
  const failures = ends.filter((one) => one.failed).length;
  if (ends.length >= fewestStarts && failures * 2 > ends.length) return opened(firstOpenMs, nowMs);
  return { ends, open: undefined };
}

function opened(forMs: number, nowMs: number): Breaker {
  return { ends: [], open: { untilMs: nowMs + forMs, forMs } };
}
