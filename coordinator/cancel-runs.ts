import { isTerminal } from '../schemas/run-words.ts';
import type { Changes } from './changes.ts';
import type { Clock } from './clock.ts';
import type { Dispatch } from './dispatch.ts';
import { threadToContinue, type OpenAttempts } from './fleet/open-attempts.ts';
import type { Scheduler } from './scheduler.ts';
import type { RunRecord, RunStore } from './store/run-store.ts';

export interface Cancelling {
  store: RunStore;
  scheduler: Pick<Scheduler, 'withdraw'>;
  attempts: OpenAttempts;
  dispatch: Pick<Dispatch, 'cancel' | 'drop'>;
  changes: Changes;
  clock: Clock;
}

/**
 * Ends runs: those that wait at once, the others by their worker. Asked for durably before it is
 * acted on; settles when the workers that can be reached were told. How the runs stand then.
 */
export async function cancelRuns(
  { store, scheduler, attempts, dispatch, changes, clock }: Cancelling,
  runIds: readonly string[],
  reason?: string,
): Promise<RunRecord[]> {
  const now = clock.now();
  const runs = (await store.cancel(runIds, now, reason)).filter((run) => run !== undefined);
  for (const runId of runIds) scheduler.withdraw(runId);
  changes.announce(runs.filter((run) => !isTerminal(run.status) || run.ended_at === now));
  const underWay = runs.filter((run) => !isTerminal(run.status)).flatMap((run) => attempts.ofRun(run.run_id));
  await dispatch.cancel(underWay);
  // Of those that wait, what rests on a worker for them is of no use any more.
  const atOnce = runs.filter((run) => run.ended_at === now);
  void dispatch.drop(atOnce.map(threadToContinue).filter((at) => at !== undefined));
  return runs;
}
