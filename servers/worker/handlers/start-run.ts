import { nextAfterStart } from '../../../core/next.ts';
import { acceptRequests } from '../../../core/spec.ts';
import type { Handlers } from '../../../mcp/handlers.ts';
import { newTaskId } from '../../../platform/ids.ts';
import type { WorkerContracts } from '../../../schemas/tools.ts';
import type { Places } from '../places.ts';
import type { Runs } from '../runs/runs.ts';

export function startRun(runs: Runs, places: Places): Handlers<WorkerContracts>['start_run'] {
  return async (input, call) => {
    const specs = acceptRequests(input, {
      folder: (cwd) => ({
        cwd,
        pipelines: places.configIn(cwd).pipelines,
        inRepository: places.inRepository(cwd),
      }),
      depth: { caller: call.depth ?? places.depth, max: places.maxDepth },
      defaults: { cwd: call.cwd, callId: call.callId },
      newTaskId,
    });
    const accepted = await runs.start(specs, call.owner);
    // Of a run that was there before, the caller may not have heard anything yet.
    const heard = accepted.map(({ entry, isNew }) => (isNew ? runs.changes.latest : entry.seq - 1));
    const cursor = String(Math.max(0, Math.min(...heard)));
    const taskId = accepted[0]?.entry.task_id ?? '';
    return {
      task_id: taskId,
      runs: accepted.map(({ entry }) => ({
        run_id: entry.run_id,
        status: entry.live?.status ?? entry.status,
      })),
      cursor,
      next: nextAfterStart(taskId, cursor),
    };
  };
}
