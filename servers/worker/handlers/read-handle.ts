import { FleetError } from '../../../core/errors.ts';
import { grepPerFile } from '../../../core/grep/per-file.ts';
import { checkReadFields } from '../../../core/read-fields.ts';
import type { Handlers } from '../../../mcp/handlers.ts';
import { createPace } from '../../../platform/pace.ts';
import type { WorkerContracts } from '../../../schemas/tools.ts';
import type { HandleStore } from '../output/handle-store.ts';
import { readHandle as readFrom } from '../output/read/read-handle.ts';
import type { ReadInput, ReadOutput } from '../output/read/request.ts';
import type { Runs } from '../runs/runs.ts';

const perFileMs = 3_000;

export function readHandle(runs: Runs, handles: HandleStore): Handlers<WorkerContracts>['read_handle'] {
  async function perFile(input: ReadInput, signal: AbortSignal): Promise<ReadOutput> {
    checkReadFields(input);
    const runId = handles.runOf(input.handle_id) ?? '';
    const record = handles.stat(input.handle_id);
    if (record === undefined) throw new FleetError('NOT_FOUND', `There is no handle ${input.handle_id}.`);
    const files = handles.ofRun(runId);
    const pace = createPace(input.wait_ms ?? perFileMs, signal);
    const read = async (ask: ReadInput): Promise<ReadOutput> => readFrom(handles, ask, signal);
    return grepPerFile({ input, record, runId, files, read, ...pace });
  }
  return (input, call) => {
    for (const id of [input.handle_id, input.other ?? input.handle_id]) {
      const runId = handles.runOf(id);
      if (runId === undefined || runs.lookUp(runId, call.owner) === undefined) {
        throw new FleetError('NOT_FOUND', `There is no handle ${id}.`);
      }
    }
    return input.pick === 'per-file' ? perFile(input, call.signal) : readFrom(handles, input, call.signal);
  };
}
