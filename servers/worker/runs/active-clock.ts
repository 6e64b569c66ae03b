/** Counts the time a run really works against its wall limit: not while it is paused or waits for an answer. */
export interface ActiveClock {
  start: () => void;
  stop: () => void;
  /** ms that count so far. */
  readonly spentMs: number;
}

/** `onLimit` is called once, when `limitMs` are spent. */
export function createActiveClock(options: {
  limitMs: number;
  /** From before this clock was made. */
  spentMs: number;
  onLimit: () => void;
}): ActiveClock {
  let spentMs = options.spentMs;
  let since: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  const spent = (): number => spentMs + (since === undefined ? 0 : performance.now() - since);
  return {
    start: () => {
      if (since !== undefined) return;
      since = performance.now();
      timer = setTimeout(options.onLimit, Math.max(0, options.limitMs - spentMs));
    },
    stop: () => {
      clearTimeout(timer);
      spentMs = spent();
      since = undefined;
    },
    get spentMs() {
      return spent();
    },
  };
}
