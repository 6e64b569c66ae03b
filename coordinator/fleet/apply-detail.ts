import { isTerminal } from '../../schemas/run-words.ts';
import type { AttemptEnd } from '../../core/retry.ts';
import type { RunDetail } from '../../schemas/worker.ts';
import type { Next } from '../retries.ts';
import type { Fence, Finish, Progress, Requeue, StoredHandle } from '../store/run-store.ts';

/** What is known of an attempt before a worker's report of it is read. */
export interface Reported {
  run_id: string;
  attempt: number;
  worker_id: string;
  /** As stored: `paused` only where somebody asked for it. */
  status: 'running' | 'paused' | 'input_required';
  /** The worker has not yet answered the call that starts or continues this attempt. */
  unconfirmed: boolean;
  /** This attempt goes on with an earlier one's thread: until confirmed, reports may be of that one. */
  continues: boolean;
}

/** What a report changes. A requeue follows the progress in the same commit, an end takes it with it. */
export interface Applied {
  progress: Progress | undefined;
  finish: Finish | undefined;
  requeue: Requeue | undefined;
  /** The run is over, and what rests on the worker is of no use to anybody. */
  drop: boolean;
}

const nothing: Applied = { progress: undefined, finish: undefined, requeue: undefined, drop: false };

/** Decides over a run whose attempt did not go well. */
export type Decide = (end: AttemptEnd) => Next;

/**
 * Reads a worker's report of a run. One whose attempt failed, or that rests although nobody paused it,
 * ends or goes back into the queue, as is decided; any other goes as the worker says.
 */
export function applyDetail(known: Reported, detail: RunDetail, now: number, decide: Decide): Applied {
  if (known.unconfirmed && known.continues && isBroken(detail)) return nothing;
  const fence: Fence = { run_id: known.run_id, attempt: known.attempt, now };
  const progress = toProgress(fence, known, detail);
  const broken = isBroken(detail) && known.status !== 'paused';
  if (!isTerminal(detail.status) && !broken) return { ...nothing, progress };
  const finish = { ...toFinish(fence, detail), told: progress };
  const end = { outcome: finish.outcome, resumable: broken, retryAt: detail.retry_at };
  if (finish.status !== 'failed') return { ...nothing, progress, finish };
  const next = decide(end);
  if (next.kind === 'end') {
    const error = next.error ?? finish.error;
    const told = error === undefined ? finish : { ...finish, error };
    return { ...nothing, progress, finish: told, drop: broken };
  }
  const { retry, not_before } = next;
  const requeue = { ...fence, outcome: finish.outcome, retry, not_before };
  return { ...nothing, progress, requeue };
}

/** It cannot go on by itself, and another attempt can where it was. */
function isBroken(detail: RunDetail): boolean {
  return detail.status === 'paused' && detail.outcome !== undefined;
}

function toProgress(fence: Fence, known: Reported, detail: RunDetail): Progress {
  const status = openStatus(detail, known);
  return {
    ...fence,
    remote_run_id: detail.run_id,
    started_at: detail.started_at,
    handles: detail.handles.map((handle): StoredHandle => ({
      ...handle,
      worker_id: known.worker_id,
      attempt: known.attempt,
    })),
    question: detail.question ?? null,
    decisions: detail.decisions.map((one) =>
      one.escalation === undefined ? one : { ...one, attempt: known.attempt },
    ),
    notes: detail.notes,
    ...(status !== undefined && { status }),
    ...(detail.first_output_at !== undefined && { first_output_at: detail.first_output_at }),
    ...(detail.liveness !== undefined && { liveness: detail.liveness }),
    ...(detail.engine_thread_id !== undefined && { engine_thread_id: detail.engine_thread_id }),
    ...(detail.reaping !== undefined && { reaping: detail.reaping }),
    ...(detail.degraded !== undefined && { degraded: detail.degraded }),
    ...(detail.usage !== undefined && { usage: detail.usage }),
    ...(detail.active_ms !== undefined && { active_ms: detail.active_ms }),
    ...(detail.privacy !== undefined && { privacy: privacyOf(detail.privacy) }),
    ...(detail.preview !== undefined && { preview: detail.preview }),
  };
}

function openStatus(detail: RunDetail, known: Reported): Progress['status'] | undefined {
  const { status } = detail;
  if (isBroken(detail)) return known.status;
  return status === 'running' || status === 'paused' || status === 'input_required' ? status : undefined;
}

function privacyOf({
  mode,
  home,
  replaced,
}: NonNullable<RunDetail['privacy']>): NonNullable<Progress['privacy']> {
  return { mode, ...(home !== undefined && { home }), ...(replaced !== undefined && { replaced }) };
}

function toFinish(fence: Fence, detail: RunDetail): Finish {
  const status = detail.status === 'completed' || detail.status === 'cancelled' ? detail.status : 'failed';
  return {
    ...fence,
    now: detail.ended_at ?? fence.now,
    status,
    outcome: detail.outcome ?? { kind: 'lost', resumable: false },
    handles: [],
    ...(detail.error !== undefined && { error: detail.error }),
    // Progress keeps that of the attempt that tells how the run stands; the end has the winner's.
    ...(detail.preview !== undefined && { preview: detail.preview }),
  };
}
