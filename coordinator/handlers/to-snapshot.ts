import { buildSnapshot } from '../../core/snapshot.ts';
import { tellingAttempt } from '../../core/telling-attempt.ts';
import type { RunSnapshot } from '../../schemas/run.ts';
import type { RunRecord } from '../store/run-store.ts';
import { threadToContinue } from '../fleet/open-attempts.ts';
import type { HandlerDeps } from './deps.ts';

type WaitingDeps = Pick<HandlerDeps, 'fleet' | 'scheduler' | 'readiness' | 'attempts' | 'parking' | 'clock'>;

/** A run as a reply shows it. */
export function toSnapshot(
  deps: WaitingDeps,
  run: RunRecord,
  preview: string | undefined,
  previewTokens: number,
): RunSnapshot {
  const attempt = tellingAttempt(run.attempts);
  const told = run.status === 'running' ? attempt?.liveness : undefined;
  const source = {
    run_id: run.run_id,
    status: run.status,
    label: run.spec.label,
    worker: attempt?.placement.worker_id,
    attempt: attempt?.attempt,
    accepted_at: run.accepted_at,
    started_at: run.first_claimed_at,
    first_output_at: run.first_output_at,
    ended_at: run.ended_at,
    outcome: run.outcome,
    error: run.error,
    waiting_for: waitingFor(deps, run),
    not_before: deps.parking.has(run.run_id) ? run.not_before : undefined,
    liveness: told === undefined ? undefined : { told, now: deps.clock.now() },
    question: run.question,
    decisions: run.decisions,
    usage: run.usage,
    handles: run.handles,
    preview,
  };
  return buildSnapshot(source, previewTokens);
}

function waitingFor(
  { fleet, scheduler, readiness, attempts, parking }: WaitingDeps,
  run: RunRecord,
): string | undefined {
  if (run.status === 'running' && attempts.get(run.run_id)?.awaitsSlot === true) return 'slot';
  if (run.status !== 'pending') return undefined;
  const notReady = readiness.waitsFor(run.run_id);
  if (notReady !== undefined) return notReady;
  if (parking.has(run.run_id))
    return tellingAttempt(run.attempts)?.retry?.why === 'rate_limit' ? 'rate_limit' : 'retry';
  if (scheduler.waitsForRate(run.run_id)) return 'rate_limit';
  if (scheduler.waitsForTree(run.run_id)) return 'workspace';
  const thread = threadToContinue(run);
  if (thread !== undefined) return `worker ${thread.worker_id}, which holds its thread`;
  return [...fleet.workers()].some((worker) => worker.state === 'up') ? 'a free slot' : 'a worker';
}
