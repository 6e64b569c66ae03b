import type { Handlers } from '../../../mcp/handlers.ts';
import type { WorkerContracts } from '../../../schemas/tools.ts';
import { pollRuns } from '../runs/poll.ts';
import type { Runs } from '../runs/runs.ts';

export function pollRun(runs: Runs, workerId: string): Handlers<WorkerContracts>['poll_run'] {
  return (input, call) => pollRuns(runs, workerId, input, call);
}
