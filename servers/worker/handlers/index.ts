import type { Handlers } from '../../../mcp/handlers.ts';
import type { LimitState } from '../../../schemas/limits.ts';
import type { HostsState, LayerState } from '../../../schemas/sandbox.ts';
import type { WorkerContracts } from '../../../schemas/tools.ts';
import type { EngineStatus } from '../../../schemas/worker.ts';
import type { HandleStore } from '../output/handle-store.ts';
import type { Places } from '../places.ts';
import type { Runs } from '../runs/runs.ts';
import { cancelRun } from './cancel-run.ts';
import { describeWorker, type WorkerIdentity } from './describe-worker.ts';
import { pauseRun } from './pause-run.ts';
import { pollRun } from './poll-run.ts';
import { readHandle } from './read-handle.ts';
import { resumeRun } from './resume-run.ts';
import { startRun } from './start-run.ts';

export interface HandlerDeps {
  runs: Runs;
  handles: HandleStore;
  places: Places;
  identity: WorkerIdentity;
  engines: () => Promise<EngineStatus[]>;
  sandbox: () => readonly (LayerState | HostsState)[] | undefined;
  limits: () => readonly LimitState[] | undefined;
}

export function createHandlers(deps: HandlerDeps): Handlers<WorkerContracts> {
  const { runs, handles, places, identity, engines, sandbox, limits } = deps;
  return {
    start_run: startRun(runs, places),
    poll_run: pollRun(runs, identity.worker_id),
    read_handle: readHandle(runs, handles),
    pause_run: pauseRun(runs),
    resume_run: resumeRun(runs),
    cancel_run: cancelRun(runs),
    describe_worker: describeWorker(runs, identity, engines, sandbox, limits),
  };
}
