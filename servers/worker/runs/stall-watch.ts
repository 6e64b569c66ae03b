import type { ActiveClock } from './active-clock.ts';

/** Notices when a run that works gives no sign of life for a while. */
export interface StallWatch extends Pick<ActiveClock, 'start' | 'stop'> {
  /** Something happened. */
  sign: () => void;
}

export interface StallOptions {
  /** undefined: it is never watched. */
  stallMs: number | undefined;
  /** Once for each silence. */
  onStall: () => void;
}

/** Signs are many: each costs a look at the clock, and the timer goes off at most once in `stallMs`. */
export function createStallWatch({ stallMs, onStall }: StallOptions): StallWatch {
  let timer: NodeJS.Timeout | undefined;
  let lastMs = 0;
  let isStalled = false;
  let isWatching = false;

  function look(): void {
    timer = undefined;
    if (stallMs === undefined) return;
    const silentMs = performance.now() - lastMs;
    if (silentMs < stallMs) timer = setTimeout(look, Math.ceil(stallMs - silentMs));
    else {
      isStalled = true;
      onStall();
    }
  }
  function sign(): void {
    lastMs = performance.now();
    if (!isStalled) return;
    isStalled = false;
    if (isWatching) timer ??= setTimeout(look, stallMs);
  }
  return {
    sign,
    start: () => {
      isWatching = true;
      sign();
      if (stallMs !== undefined) timer ??= setTimeout(look, stallMs);
    },
    stop: () => {
      isWatching = false;
      clearTimeout(timer);
      timer = undefined;
    },
  };
}

/** A clock that is started and stopped with a watch: both count only while the run works. */
export function withWatch(clock: ActiveClock, watch: StallWatch): ActiveClock {
  return {
    start: () => {
      clock.start();
      watch.start();
    },
    stop: () => {
      clock.stop();
      watch.stop();
    },
    get spentMs() {
      return clock.spentMs;
    },
  };
}
