import { covers } from '../core/owners.ts';
import type { RunRecord } from './store/run-store.ts';
import type { Wake } from './store/wake.ts';

/** What a waiting call wants to hear of. */
export interface Interest {
  owner: string;
  run_ids: ReadonlySet<string> | undefined;
  task_id: string | undefined;
  /** Of the runs of the selection, which changes matter. */
  matters(run: RunRecord): boolean;
}

/** Wakes calls that wait for changes of runs, each only by changes it asked for. */
export interface News {
  /** These runs have changed, durably. */
  tell(runs: readonly RunRecord[]): void;
  /** True once something of interest was told, false after `waitMs` or when `signal` aborts. */
  wait(interest: Interest, waitMs: number, signal: AbortSignal): Promise<boolean>;
  /** Hears of every change until the answer is called; no runs at all: any may have changed. */
  watch(hear: (runs: readonly RunRecord[]) => void): () => void;
}

export function createNews(wake: Wake): News {
  let fresh: RunRecord[] = [];
  const waiting = new Set<(runs: readonly RunRecord[]) => void>();
  wake.on(() => {
    const told = fresh;
    fresh = [];
    for (const hear of waiting) hear(told);
  });
  return {
    tell(runs) {
      if (runs.length === 0) return;
      fresh.push(...runs);
      wake.notify();
    },
    wait: (interest, waitMs, signal) =>
      new Promise((resolve) => {
        const end = (heard: boolean): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', giveUp);
          waiting.delete(hear);
          resolve(heard);
        };
        const giveUp = (): void => end(false);
        const hear = (runs: readonly RunRecord[]): void => {
          // A hint from elsewhere names no runs: look in every case.
          if (runs.length === 0 || runs.some((run) => concerns(interest, run))) end(true);
        };
        const timer = setTimeout(giveUp, waitMs);
        signal.addEventListener('abort', giveUp);
        waiting.add(hear);
        if (signal.aborted) end(false);
      }),
    watch(hear) {
      waiting.add(hear);
      return () => waiting.delete(hear);
    },
  };
}

function concerns({ owner, run_ids: runIds, task_id: taskId, matters }: Interest, run: RunRecord): boolean {
  return (
    covers(owner, run.owner) &&
    (runIds === undefined || runIds.has(run.run_id)) &&
    (taskId === undefined || run.spec.task_id === taskId) &&
    matters(run)
  );
}
