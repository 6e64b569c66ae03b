import type { Handlers } from '../../mcp/handlers.ts';
import type { FleetContracts } from '../../schemas/tools.ts';
import { cancelRun } from './cancel-run.ts';
import type { HandlerDeps } from './deps.ts';
import { listWorkers } from './list-workers.ts';
import { pauseRun } from './pause-run.ts';
import { pollRun } from './poll-run.ts';
import { readHandle } from './read-handle.ts';
import { resumeRun } from './resume-run.ts';
import { startRun } from './start-run.ts';

export function fleetHandlers(deps: HandlerDeps): Handlers<FleetContracts> {
  return {
    start_run: startRun(deps),
    poll_run: pollRun(deps),
    read_handle: readHandle(deps),
    pause_run: pauseRun(deps),
    resume_run: resumeRun(deps),
    cancel_run: cancelRun(deps),
    list_workers: listWorkers(deps),
  };
}
