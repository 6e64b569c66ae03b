import { nextAfterPause } from '../../../core/next.ts';
import type { Handlers } from '../../../mcp/handlers.ts';
import type { WorkerContracts } from '../../../schemas/tools.ts';
import type { Runs } from '../runs/runs.ts';

export function pauseRun(runs: Runs): Handlers<WorkerContracts>['pause_run'] {
  return async (input, call) => {
    const how = await runs.findLive(input.run_id, call.owner).pause();
    return {
      run_id: input.run_id,
      status: 'paused',
      // A run whose process died rests where its last turn ended.
      how: how === 'lost' || how === 'put_away' ? 'turn_boundary' : how,
      next: nextAfterPause(input.run_id),
    };
  };
}
