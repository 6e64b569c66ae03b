import { FleetError } from '../../core/errors.ts';
import { nextAfterPause } from '../../core/next.ts';
import type { Call, Input, Output } from '../../mcp/handlers.ts';
import type { FleetContracts } from '../../schemas/tools.ts';
import { isTerminal } from '../../schemas/run-words.ts';
import { takesSlot } from '../fleet/open-attempts.ts';
import type { HandlerDeps } from './deps.ts';
import { findRun, reachAttempt } from './find-run.ts';

type Contract = FleetContracts['pause_run'];

/** Holds a run that waits, or stops the work of one that runs. */
export function pauseRun(
  deps: HandlerDeps,
): (input: Input<Contract>, call: Call) => Promise<Output<Contract>> {
  const { store, scheduler, attempts, changes, clock } = deps;
  return async ({ run_id: runId }, call) => {
    const run = await findRun(deps, runId, call.owner);
    if (isTerminal(run.status)) {
      throw new FleetError('WRONG_STATE', `The run has ended: ${run.status}.`, {
        next: 'There is nothing to pause.',
      });
    }
    const held = await store.hold(runId, true, clock.now());
    if (held !== undefined) {
      scheduler.withdraw(runId);
      changes.announce([held]);
      return { run_id: runId, status: 'paused', how: 'queued', next: nextAfterPause(runId) };
    }
    const attempt = attempts.get(runId);
    if (attempt?.attempt === undefined) {
      throw new FleetError('WRONG_STATE', 'The run has just ended or is just being placed.');
    }
    const { link, remoteRunId } = await reachAttempt(deps, attempt);
    const { how } = await link.call('pause_run', { run_id: remoteRunId });
    attempt.status = 'paused';
    attempts.setSlot(attempt, takesSlot('paused', how === 'turn_boundary'));
    const change = { run_id: runId, attempt: attempt.attempt, now: clock.now(), status: 'paused' as const };
    changes.announce(await store.progress([change]));
    scheduler.poke();
    return { run_id: runId, status: 'paused', how, next: nextAfterPause(runId) };
  };
}
