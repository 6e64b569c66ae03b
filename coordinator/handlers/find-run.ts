import { covers } from '../../core/owners.ts';
import { FleetError } from '../../core/errors.ts';
import type { OpenAttempt } from '../fleet/open-attempts.ts';
import type { WorkerLink } from '../fleet/worker-link.ts';
import type { RunRecord } from '../store/run-store.ts';
import type { HandlerDeps } from './deps.ts';

/** Long enough for a local worker that died to be started again. */
export const reachTimeoutMs = 10_000;

/** A run of the caller. NOT_FOUND for any other. */
export async function findRun(
  { store }: Pick<HandlerDeps, 'store'>,
  runId: string,
  owner: string,
): Promise<RunRecord> {
  const run = await store.get(runId);
  if (run === undefined || !covers(owner, run.owner)) throw unknownRun(runId);
  return run;
}

export function unknownRun(runId: string): FleetError {
  return new FleetError('NOT_FOUND', `There is no run ${runId}.`);
}

/** The worker's side of a run that is under way, once the worker has it. WORKER_UNAVAILABLE where it cannot be asked. */
export async function reachAttempt(
  { fleet }: Pick<HandlerDeps, 'fleet'>,
  attempt: OpenAttempt,
): Promise<{ link: WorkerLink; remoteRunId: string }> {
  const link = await fleet.reach(attempt.worker_id, reachTimeoutMs);
  if (attempt.remote_run_id === undefined) {
    throw new FleetError('WORKER_UNAVAILABLE', 'The run is just being handed to its worker.', {
      next: 'Call again in a second.',
    });
  }
  return { link, remoteRunId: attempt.remote_run_id };
}
