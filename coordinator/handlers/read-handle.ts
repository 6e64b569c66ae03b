import { grepPerFile } from '../../core/grep/per-file.ts';
import { checkReadFields } from '../../core/read-fields.ts';
import type { Call, Input, Output } from '../../mcp/handlers.ts';
import { createPace } from '../../platform/pace.ts';
import type { FleetContracts } from '../../schemas/tools.ts';
import { diffAcross } from '../reading/diff-across.ts';
import { exportHandle } from '../reading/export-handle.ts';
import { holderOf } from '../reading/holder.ts';
import type { HandlerDeps } from './deps.ts';
import { findHandle } from './find-handle.ts';
import { findRun } from './find-run.ts';

type Contract = FleetContracts['read_handle'];

const perFileMs = 3_000;

/** Asks who holds the handle, its worker or the reader of its copy; what takes two of them or a file is done here. */
export function readHandle(
  deps: HandlerDeps,
): (input: Input<Contract>, call: Call) => Promise<Output<Contract>> {
  return async (input, { owner, signal }) => {
    const mode = checkReadFields(input);
    const held = await findHandle(deps, input.handle_id, owner);
    const other = input.other === undefined ? undefined : await findHandle(deps, input.other, owner);
    const holder = await holderOf(deps, held);
    const remote = { read: holder.read, handleId: input.handle_id, signal };
    const page = await answer();
    deps.replicas.wasRead(held.run_id, held.handle);
    return { ...page, run_id: held.run_id };

    async function answer(): Promise<Output<Contract>> {
      if (mode === 'export') {
        const run = await findRun(deps, held.run_id, owner);
        return exportHandle(deps, input, { run, handle: held.handle }, remote);
      }
      if (input.pick === 'per-file') return perFile();
      const second = other === undefined ? holder : await holderOf(deps, other);
      if (other === undefined || second.name === holder.name) return holder.read(input, signal);
      return diffAcross(input, remote, { read: second.read, handleId: other.handle.handle_id, signal });
    }
    /** Handles of one run lie with several workers where it was tried again. */
    async function perFile(): Promise<Output<Contract>> {
      const pace = createPace(input.wait_ms ?? perFileMs, signal);
      const { handles } = await findRun(deps, held.run_id, owner);
      const read = async (ask: Input<Contract>): Promise<Output<Contract>> => {
        const handle = handles.find(({ handle_id: id }) => id === ask.handle_id) ?? held.handle;
        return (await holderOf(deps, { handle })).read(ask, signal);
      };
      return grepPerFile({ input, record: held.handle, runId: held.run_id, files: handles, read, ...pace });
    }
  };
}
