import { FleetError } from '../../core/errors.ts';
import { nextToFollow } from '../../core/next.ts';
import type { Call, Input, Output } from '../../mcp/handlers.ts';
import type { AnsweredBy } from '../../schemas/manifest.ts';
import type { FleetContracts } from '../../schemas/tools.ts';
import { isTerminal, type RunStatus } from '../../schemas/run-words.ts';
import type { HandlerDeps } from './deps.ts';
import { findRun, reachAttempt } from './find-run.ts';

type Contract = FleetContracts['resume_run'];

export type ResumeDeps = Pick<
  HandlerDeps,
  'store' | 'scheduler' | 'privacy' | 'attempts' | 'changes' | 'clock' | 'fleet'
>;

/**
 * Lets a held run into the queue again, or passes message, answer or go-ahead on to the worker. `by`:
 * how an answer came, for the record.
 */
export function resumeRun(
  deps: ResumeDeps,
  by: AnsweredBy = 'client',
): (input: Input<Contract>, call: Pick<Call, 'owner'>) => Promise<Output<Contract>> {
  const { store, scheduler, attempts, fleet, privacy, changes, clock } = deps;

  function reply(runId: string, status: RunStatus): Output<Contract> {
    return { run_id: runId, status, next: nextToFollow(runId) };
  }
  async function release(runId: string, input: Input<Contract>): Promise<Output<Contract>> {
    if (input.message !== undefined || input.answer !== undefined) {
      throw new FleetError('WRONG_STATE', 'The run has not begun: there is nobody to tell.', {
        next: 'Resume it without a message, or cancel it and start another.',
      });
    }
    const released = await store.hold(runId, false, clock.now());
    if (released === undefined) throw new FleetError('WRONG_STATE', 'The run has just been placed or ended.');
    changes.announce([released]);
    return reply(runId, released.status);
  }
  return async (input, call) => {
    const { run_id: runId, message, answer } = input;
    const run = await findRun(deps, runId, call.owner);
    if (isTerminal(run.status)) {
      throw new FleetError('WRONG_STATE', `The run has ended: ${run.status}.`, {
        next: 'Start another with what it still has to do.',
      });
    }
    const attempt = attempts.get(runId);
    if (attempt?.attempt === undefined) {
      const answered = await release(runId, input);
      if (run.status === 'paused') scheduler.enqueue({ ...run, status: 'pending' });
      return answered;
    }
    if (attempt.status === 'running' && message === undefined && answer === undefined) {
      return reply(runId, 'running');
    }
    const { link, remoteRunId } = await reachAttempt(deps, attempt);
    const worker = fleet.get(attempt.worker_id);
    const said = worker === undefined ? message : await privacy.message(worker, link, run, message);
    const { status } = await link.call('resume_run', {
      run_id: remoteRunId,
      ...(said !== undefined && { message: said }),
      ...(answer !== undefined && { answer, by, asked_at: run.question?.asked_at }),
    });
    if (status === 'running') {
      attempt.status = status;
      attempts.setSlot(attempt, true);
      const change = { run_id: runId, attempt: attempt.attempt, now: clock.now(), status, question: null };
      changes.announce(await store.progress([change]));
    }
    return reply(runId, status);
  };
}
