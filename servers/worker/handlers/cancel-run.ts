import { FleetError } from '../../../core/errors.ts';
import { nextAfterCancel } from '../../../core/next.ts';
import type { Handlers } from '../../../mcp/handlers.ts';
import type { WorkerContracts } from '../../../schemas/tools.ts';
import { isOpen, type RunEntry } from '../runs/run-index.ts';
import type { Runs } from '../runs/runs.ts';
import { within } from '../runs/within.ts';

/** A tree is dead within 3 s of being told; who does not hear of it by then polls. */
const waitMs = 4_000;
/** Of a large task those that were under way are listed first. */
const maxListed = 100;

export function cancelRun(runs: Runs): Handlers<WorkerContracts>['cancel_run'] {
  return async (input, call) => {
    const entries = selected(runs, input, call.owner);
    const live = entries.flatMap((entry) => entry.live ?? []);
    const listed = [...entries].sort((a, b) => Number(isOpen(b)) - Number(isOpen(a))).slice(0, maxListed);
    for (const run of live) run.end({ kind: 'cancelled' });
    await within(Promise.all(live.map((run) => run.idle)), waitMs);
    const statuses = listed.map((entry) => ({
      run_id: entry.run_id,
      status: entry.live?.status ?? entry.status,
    }));
    return { runs: statuses, next: nextAfterCancel(statuses) };
  };
}

function selected(
  runs: Runs,
  input: { run_ids?: string[] | undefined; task_id?: string | undefined },
  owner: string,
): readonly RunEntry[] {
  const { run_ids: runIds, task_id: taskId } = input;
  if (runIds !== undefined && taskId === undefined) return runIds.map((runId) => runs.find(runId, owner));
  if (taskId !== undefined && runIds === undefined) return runs.ofTask(taskId, owner);
  throw new FleetError('INVALID_INPUT', 'Name either "run_ids" or "task_id".');
}
