import { nextToFollow } from '../../../core/next.ts';
import type { Handlers } from '../../../mcp/handlers.ts';
import type { WorkerContracts } from '../../../schemas/tools.ts';
import type { Runs } from '../runs/runs.ts';

export function resumeRun(runs: Runs): Handlers<WorkerContracts>['resume_run'] {
  return async (input, call) => {
    const run = runs.findLive(input.run_id, call.owner);
    await run.resume(input);
    return { run_id: input.run_id, status: run.status, next: nextToFollow(input.run_id) };
  };
}
