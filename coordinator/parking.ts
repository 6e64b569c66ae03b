import type { Clock } from './clock.ts';
import type { RunRecord } from './store/run-store.ts';

/** Runs that wait for a time, not for a slot. */
export interface Parking {
  readonly size: number;
  /** Whether the run has to wait, and is kept here for it. */
  keep(run: RunRecord, order: number, now: number): boolean;
  has(runId: string): boolean;
  remove(runId: string): void;
  /** Takes out those whose time has come. */
  release(now: number): { run: RunRecord; order: number }[];
}

/** A machine that sleeps stops its timers, and clocks are set: looked at again after this at the latest. */
const longestTimerMs = 30_000;

/** `due` is called when some run's time may have come. */
export function createParking(clock: Pick<Clock, 'now'>, due: () => void): Parking {
  const parked = new Map<string, { run: RunRecord; order: number; until: number }>();
  let timer: NodeJS.Timeout | undefined;

  function setTimer(): void {
    clearTimeout(timer);
    if (parked.size === 0) return;
    const first = Math.min(...[...parked.values()].map(({ until }) => until));
    const waitMs = Math.min(longestTimerMs, Math.max(1, first - clock.now()));
    timer = setTimeout(wake, waitMs).unref();
  }
  function wake(): void {
    due();
    setTimer();
  }
  return {
    get size() {
      return parked.size;
    },
    keep(run, order, now) {
      const { not_before: until = now } = run;
      if (until <= now) return false;
      parked.set(run.run_id, { run, order, until });
      setTimer();
      return true;
    },
    has: (runId) => parked.has(runId),
    remove(runId) {
      if (parked.delete(runId)) setTimer();
    },
    release(now) {
      const over = [...parked.values()].filter(({ until }) => until <= now);
      for (const { run } of over) parked.delete(run.run_id);
      return over;
    },
  };
}
