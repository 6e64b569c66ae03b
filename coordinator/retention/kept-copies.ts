import type { RunRecord } from '../store/run-store.ts';
import { runAndAttemptOf } from '../fleet/open-attempts.ts';
import { keysOf, type AskWorker } from './tell-workers.ts';

/**
 * Of some runs, those with a private copy that may hold more than their diff: as their workers say, and
 * where one is away, all that had a copy.
 */
export async function withKeptCopy(runs: readonly RunRecord[], ask: AskWorker): Promise<ReadonlySet<string>> {
  const byWorker = new Map<string, RunRecord[]>();
  for (const run of runs) {
    if (run.spec.workspace !== 'clone') continue;
    for (const id of new Set(run.attempts.map(({ placement }) => placement.worker_id)))
      byWorker.set(id, [...(byWorker.get(id) ?? []), run]);
  }
  const kept = await Promise.all(
    [...byWorker].map(async ([workerId, ofWorker]) => {
      const keys = ofWorker.flatMap((run) => keysOf({ ...run, attempts: run.attempts.length }));
      const answer = await ask(workerId, keys, true).catch(() => keys);
      return answer.map((key) => runAndAttemptOf(key)?.run_id ?? '');
    }),
  );
  return new Set(kept.flat());
}
