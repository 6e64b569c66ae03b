import { FleetError } from '../../core/errors.ts';
import { checkReadFields, isPageMode } from '../../core/read-fields.ts';
import type { Call, Input, Output } from '../../mcp/handlers.ts';
import type { FleetContracts } from '../../schemas/tools.ts';
import { diffAcross } from '../reading/diff-across.ts';
import { exportHandle } from '../reading/export-handle.ts';
import type { RemoteHandle } from '../reading/remote-bytes.ts';
import type { StoredHandle } from '../store/run-store.ts';
import type { HandlerDeps } from './deps.ts';
import { findRun, reachTimeoutMs } from './find-run.ts';

type Contract = FleetContracts['read_handle'];

/** Asks the worker that holds the handle; what takes two workers or a file is done here. */
export function readHandle(
  deps: HandlerDeps,
): (input: Input<Contract>, call: Call) => Promise<Output<Contract>> {
  return async (input, call) => {
    const mode = checkReadFields(input);
    const { run_id, handle } = await findHeld(deps, input.handle_id, call.owner);
    const other = input.other === undefined ? undefined : await findHeld(deps, input.other, call.owner);
    const remote = await reach(deps, handle, call.signal);
    const page = await answer();
    const moved = isPageMode(mode) ? page.to_byte - page.from_byte : Buffer.byteLength(page.text);
    deps.telemetry.record('codex.bytes_transferred', moved, { worker_id: handle.worker_id });
    return { ...page, run_id };

    async function answer(): Promise<Output<Contract>> {
      if (mode === 'export') {
        return exportHandle(deps, input, { run: await findRun(deps, run_id, call.owner), handle }, remote);
      }
      if (other !== undefined && other.handle.worker_id !== handle.worker_id) {
        return diffAcross(input, remote, await reach(deps, other.handle, call.signal));
      }
      return remote.link.call('read_handle', input, { signal: call.signal });
    }
  };
}

async function findHeld(
  { store }: HandlerDeps,
  id: string,
  owner: string,
): Promise<{ run_id: string; handle: StoredHandle }> {
  const found = await store.findHandle(id);
  if (found !== undefined && found.owner === owner) return found;
  throw new FleetError('NOT_FOUND', `There is no handle ${id}.`, {
    next: 'poll_run lists the handles of a run.',
  });
}

async function reach(
  { fleet }: HandlerDeps,
  { worker_id, handle_id }: StoredHandle,
  signal: AbortSignal,
): Promise<RemoteHandle> {
  return { link: await fleet.reach(worker_id, reachTimeoutMs), handleId: handle_id, signal };
}
