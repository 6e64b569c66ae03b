import { FleetError } from '../../../core/errors.ts';
import type { Handlers } from '../../../mcp/handlers.ts';
import type { WorkerContracts } from '../../../schemas/tools.ts';
import type { HandleStore } from '../output/handle-store.ts';
import { readHandle as readFrom } from '../output/read/read-handle.ts';
import type { Runs } from '../runs/runs.ts';

export function readHandle(runs: Runs, handles: HandleStore): Handlers<WorkerContracts>['read_handle'] {
  return (input, call) => {
    for (const id of [input.handle_id, input.other ?? input.handle_id]) {
      const runId = handles.runOf(id);
      if (runId === undefined || runs.lookUp(runId, call.owner) === undefined) {
        throw new FleetError('NOT_FOUND', `There is no handle ${id}.`);
      }
    }
    return readFrom(handles, input, call.signal);
  };
}
