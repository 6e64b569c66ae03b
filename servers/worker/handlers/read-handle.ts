import { FleetError } from '../../../core/errors.ts';
import type { Handlers } from '../../../mcp/handlers.ts';
import type { WorkerContracts } from '../../../schemas/tools.ts';
import type { HandleStore } from '../output/handle-store.ts';
import { readPage } from '../output/read-page.ts';
import type { Runs } from '../runs/runs.ts';

export function readHandle(runs: Runs, handles: HandleStore): Handlers<WorkerContracts>['read_handle'] {
  return (input, call) => {
    const runId = handles.runOf(input.handle_id);
    if (runId === undefined || runs.lookUp(runId, call.owner) === undefined) {
      throw new FleetError('NOT_FOUND', `There is no handle ${input.handle_id}.`);
    }
    return readPage(handles, input);
  };
}
