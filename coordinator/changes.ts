import { isTerminal } from '../schemas/run-words.ts';
import type { News } from './news.ts';
import { createRunCache } from './store/run-cache.ts';
import type { RunRecord } from './store/run-store.ts';

/** Where every durable change of a run is made known. */
export interface Changes {
  /** Takes what the store answered; undefined stands for a change that did not apply. */
  announce(runs: readonly (RunRecord | undefined)[]): RunRecord[];
  /** Takes in what the store holds at the start, which is no change. */
  learn(runs: readonly RunRecord[]): void;
  /** Every run that has not ended, as last announced. */
  readonly open: ReadonlyMap<string, OpenRun>;
  /** These runs are no longer kept. */
  forget(runIds: readonly string[]): void;
  /** A run as last announced, where that was not long ago. */
  recent(runId: string): RunRecord | undefined;
}

type OpenRun = Pick<RunRecord, 'owner' | 'seq'> & Pick<RunRecord['spec'], 'task_id' | 'group'>;

export interface EndListener {
  ended(run: RunRecord): void;
}

/** Hears of every change, and of an end in both ways. */
export interface RunListener extends EndListener {
  changed(run: RunRecord): void;
}

/** About 2 MB: the runs whose callers have not come by yet, as a rule. */
const recentSize = 1_000_000;

/** Tells waiting calls, and listeners, of every change. */
export function createChanges(news: News, listeners: readonly (EndListener | RunListener)[]): Changes {
  const open = new Map<string, OpenRun>();
  const recent = createRunCache(recentSize, { ended: 'kept' });
  function note({ run_id: runId, owner, seq, status, spec: { task_id, group } }: RunRecord): void {
    if (isTerminal(status)) open.delete(runId);
    else if ((open.get(runId)?.seq ?? 0) < seq) open.set(runId, { owner, seq, task_id, group });
  }
  return {
    open,
    recent: recent.get,
    forget(runIds) {
      for (const runId of runIds) recent.remove(runId);
    },
    learn(runs) {
      for (const run of runs) note(run);
    },
    announce(runs) {
      const changed = runs.filter((run) => run !== undefined);
      for (const run of changed) {
        note(run);
        if ((recent.get(run.run_id)?.seq ?? 0) < run.seq) recent.put(run);
      }
      news.tell(changed);
      for (const run of changed) {
        for (const listener of listeners) {
          if ('changed' in listener) listener.changed(run);
          if (isTerminal(run.status)) listener.ended(run);
        }
      }
      return changed;
    },
  };
}
