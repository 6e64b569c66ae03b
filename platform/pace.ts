import { setImmediate as nextTurn } from 'node:timers/promises';

/** Longest stretch of work before other calls get their turn. */
const sliceMs = 4;

/** The time a scan has, and the turns it leaves to others. */
export interface Pace {
  /** Whether there is time left. */
  mayGoOn(): boolean;
  leftMs(): number;
  /** Lets other calls in where it is time for that; raises where the caller went away. */
  breathe(): Promise<void>;
}

export function createPace(budgetMs: number, signal: AbortSignal): Pace {
  const until = performance.now() + budgetMs;
  let sliceEnd = performance.now() + sliceMs;
  return {
    mayGoOn: () => performance.now() < until,
    leftMs: () => Math.max(0, until - performance.now()),
    async breathe() {
      if (performance.now() < sliceEnd) return;
      await nextTurn();
      signal.throwIfAborted();
      sliceEnd = performance.now() + sliceMs;
    },
  };
}
