import { FleetError } from '../../core/errors.ts';
import type { Call, Input, Output } from '../../mcp/handlers.ts';
import type { FleetContracts } from '../../schemas/tools.ts';
import type { HandlerDeps } from './deps.ts';
import { reachTimeoutMs } from './find-run.ts';

type Contract = FleetContracts['read_handle'];

/** Fetches a page from the worker that holds the handle. */
export function readHandle(
  deps: HandlerDeps,
): (input: Input<Contract>, call: Call) => Promise<Output<Contract>> {
  const { store, fleet, telemetry } = deps;
  return async (input, call) => {
    const found = await store.findHandle(input.handle_id);
    if (found === undefined || found.owner !== call.owner) {
      throw new FleetError('NOT_FOUND', `There is no handle ${input.handle_id}.`, {
        next: 'poll_run lists the handles of a run.',
      });
    }
    const { worker_id } = found.handle;
    const link = await fleet.reach(worker_id, reachTimeoutMs);
    const page = await link.call('read_handle', input, { signal: call.signal });
    telemetry.record('codex.bytes_transferred', page.to_byte - page.from_byte, { worker_id });
    return { ...page, run_id: found.run_id };
  };
}
