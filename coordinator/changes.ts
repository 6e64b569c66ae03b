import { isTerminal } from '../schemas/run.ts';
import type { News } from './news.ts';
import type { RunRecord } from './store/run-store.ts';

/** Where every durable change of a run is made known. */
export interface Changes {
  /** Takes what the store answered; undefined stands for a change that did not apply. */
  announce(runs: readonly (RunRecord | undefined)[]): RunRecord[];
}

export interface EndListener {
  ended(run: RunRecord): void;
}

/** Tells waiting calls of every change, and each listener of every end. */
export function createChanges(news: News, listeners: readonly EndListener[]): Changes {
  return {
    announce(runs) {
      const changed = runs.filter((run) => run !== undefined);
      news.tell(changed);
      for (const run of changed) {
        if (isTerminal(run.status)) for (const listener of listeners) listener.ended(run);
      }
      return changed;
    },
  };
}
