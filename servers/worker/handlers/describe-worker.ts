import type { Handlers } from '../../../mcp/handlers.ts';
import type { LimitState } from '../../../schemas/limits.ts';
import type { HostsState, LayerState } from '../../../schemas/sandbox.ts';
import type { WorkerContracts } from '../../../schemas/tools.ts';
import type { EngineStatus, WorkerDescriptor } from '../../../schemas/worker.ts';
import { readHost } from '../host.ts';
import type { Runs } from '../runs/runs.ts';

/** What of a worker never changes while it lives. */
export type WorkerIdentity = Pick<
  WorkerDescriptor,
  'worker_id' | 'boot_id' | 'version' | 'reaping' | 'pipelines'
>;

/** Waits for the engines' probes, which begin at boot; not for ever. */
export function describeWorker(
  runs: Runs,
  identity: WorkerIdentity,
  engines: () => Promise<EngineStatus[]>,
  sandbox: () => readonly (LayerState | HostsState)[] | undefined,
  limits: () => readonly LimitState[] | undefined,
): Handlers<WorkerContracts>['describe_worker'] {
  return async () => {
    const layers = sandbox();
    const held = limits();
    return {
      ...identity,
      pid: process.pid,
      slots: runs.slots.total,
      busy: runs.slots.busy,
      draining: runs.isClosing,
      engines: await engines(),
      host: readHost(),
      ...(layers !== undefined && { sandbox: [...layers] }),
      ...(held !== undefined && { limits: [...held] }),
    };
  };
}
