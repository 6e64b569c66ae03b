import type { RequestHandlers } from '../../../mcp/own-requests.ts';
import type { WorkerRequests } from '../../../schemas/operator.ts';
import type { Runs } from '../runs/runs.ts';

type ForgetRuns = RequestHandlers<WorkerRequests>['codex-fleet/forget_runs'];

/** How long runs are kept is the coordinator's business. */
export function forgetRuns(runs: Runs, owner: string): ForgetRuns {
  return async ({ keys, dry_run: dryRun }) => ({ kept: await runs.forget(keys, owner, dryRun) });
}
