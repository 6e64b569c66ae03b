import type { RequestHandlers } from '../../../mcp/own-requests.ts';
import type { WorkerRequests } from '../../../schemas/operator.ts';
import type { Runs } from '../runs/runs.ts';

type LimitRun = RequestHandlers<WorkerRequests>['codex-fleet/limit_run'];

/** What a task may store is counted by the coordinator, over all its workers. */
export function limitRun(runs: Runs, owner: string): LimitRun {
  return ({ run_id: runId, max_bytes: maxBytes, error }) => {
    runs.lookUp(runId, owner)?.live?.limitBytes(maxBytes, error);
    return Promise.resolve({});
  };
}
