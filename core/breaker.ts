/** How the attempts on one worker have ended of late, and whether it gets any. Times are ms of one clock. */
export interface Breaker {
  /** Counts of each span within the window, oldest first: a fleet may end hundreds a second. */
  ends: readonly Span[];
  /** Set while it is not closed. */
  open: { untilMs: number; forMs: number } | undefined;
}

interface Span {
  fromMs: number;
  ended: number;
  failed: number;
}

export const windowMs = 60_000;
const spanMs = 5_000;
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
  const ends = counting(breaker.ends, failed, nowMs);
  const ended = ends.reduce((sum, one) => sum + one.ended, 0);
  const failures = ends.reduce((sum, one) => sum + one.failed, 0);
  if (ended >= fewestStarts && failures * 2 > ended) return opened(firstOpenMs, nowMs);
  return { ends, open: undefined };
}

function counting(ends: readonly Span[], failed: boolean, nowMs: number): Span[] {
  const within = ends.filter(({ fromMs }) => nowMs - fromMs < windowMs);
  const last = within.at(-1);
  const goesOn = last !== undefined && nowMs - last.fromMs < spanMs;
  const span = goesOn ? last : { fromMs: nowMs, ended: 0, failed: 0 };
  const next = { ...span, ended: span.ended + 1, failed: span.failed + Number(failed) };
  return [...(goesOn ? within.slice(0, -1) : within), next];
}

function opened(forMs: number, nowMs: number): Breaker {
  return { ends: [], open: { untilMs: nowMs + forMs, forMs } };
}
