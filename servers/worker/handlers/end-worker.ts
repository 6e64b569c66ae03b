import type { RequestHandlers } from '../../../mcp/own-requests.ts';
import type { WorkerRequests } from '../../../schemas/operator.ts';
import type { Runs } from '../runs/runs.ts';

type EndWorker = RequestHandlers<WorkerRequests>['codex-fleet/end_worker'];

/** Only the worker itself knows in one instant whether its end would cost a run. */
export function endWorker(runs: Runs, stop: () => void): EndWorker {
  return ({ interrupt }) => {
    const keptBack = runs.keptBack(interrupt);
    // In the same turn: nothing can begin between the look and the end.
    if (keptBack === 0) stop();
    return Promise.resolve({ ending: keptBack === 0, kept_back: keptBack });
  };
}
