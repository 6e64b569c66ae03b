import { nextAfterStart } from '../../../core/next.ts';
import { FleetError } from '../../../core/errors.ts';
import { acceptRequests, type StartRunInput } from '../../../core/spec.ts';
import type { Handlers } from '../../../mcp/handlers.ts';
import { newTaskId } from '../../../platform/ids.ts';
import type { WorkerContracts } from '../../../schemas/tools.ts';
import type { Places } from '../places.ts';
import type { Runs } from '../runs/runs.ts';

export function startRun(runs: Runs, places: Places): Handlers<WorkerContracts>['start_run'] {
  return async (input, call) => {
    refuseQueueing(input);
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

/** A worker has no queue, and knows no other runs of a task than its own. */
function refuseQueueing(input: StartRunInput): void {
  const waits = [input, ...(input.runs ?? [])].some(({ after }) => after !== undefined);
  const name = waits ? 'after' : (['on_failure', 'task_budget'] as const).find((field) => field in input);
  if (name === undefined) return;
  throw new FleetError('INVALID_INPUT', `"${name}" is for a coordinator; this is one of its workers.`, {
    next: `Leave "${name}" out, or start the run through the coordinator.`,
  });
}
