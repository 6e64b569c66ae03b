import { isPutAway } from '../../core/put-away.ts';
import { isTerminal } from '../../schemas/run.ts';
import type { Outcome } from '../../schemas/run.ts';
import type { RunDetail } from '../../schemas/worker.ts';
import type { Fence, Finish, Progress, StoredHandle } from '../store/run-store.ts';

/** What is known of an attempt before a worker's report of it is read. */
export interface Reported {
  run_id: string;
  attempt: number;
  worker_id: string;
  /** Attempts that reached a process and were not put away, this one included. */
  tries: number;
  /** As stored: `paused` only where somebody asked for it. */
  status: 'running' | 'paused' | 'input_required';
  /** The worker has not yet answered the call that starts or continues this attempt. */
  unconfirmed: boolean;
  /** This attempt goes on with an earlier one's thread: until confirmed, reports may be of that one. */
  continues: boolean;
}

/** What a report changes. A requeue or an end follows the progress, in the same commit. */
export interface Applied {
  progress: Progress | undefined;
  finish: Finish | undefined;
  requeue: (Fence & { outcome: Outcome }) | undefined;
}

/** Most attempts of one run that reach a process. */
export const maxAttempts = 3;

const nothing: Applied = { progress: undefined, finish: undefined, requeue: undefined };

/**
 * Reads a worker's report of a run. A run that its engine can resume and nobody paused goes back into
 * the queue, at most until `maxAttempts`; a run that ended ends as the worker says.
 */
export function applyDetail(known: Reported, detail: RunDetail, now: number): Applied {
  if (known.unconfirmed && known.continues && isLost(detail)) return nothing;
  const fence: Fence = { run_id: known.run_id, attempt: known.attempt, now };
  const progress = toProgress(fence, known, detail);
  if (isTerminal(detail.status)) return { ...nothing, progress, finish: toFinish(fence, detail) };
  if (isLost(detail) && known.status !== 'paused') {
    const isPlanned = isPutAway(detail.outcome);
    const outcome: Outcome = { kind: 'lost', resumable: true, ...(isPlanned && { orderly: true }) };
    if (isPlanned || known.tries < maxAttempts)
      return { ...nothing, progress, requeue: { ...fence, outcome } };
    const error = `Its worker was lost ${String(maxAttempts)} times.`;
    return { ...nothing, progress, finish: { ...fence, status: 'failed', outcome, handles: [], error } };
  }
  return { ...nothing, progress };
}

/** The worker died under the run, and its engine's thread can go on. */
function isLost(detail: RunDetail): boolean {
  return detail.status === 'paused' && detail.outcome?.kind === 'lost';
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
    decisions: detail.decisions,
    notes: detail.notes,
    ...(status !== undefined && { status }),
    ...(detail.first_output_at !== undefined && { first_output_at: detail.first_output_at }),
    ...(detail.liveness !== undefined && { liveness: detail.liveness }),
    ...(detail.engine_thread_id !== undefined && { engine_thread_id: detail.engine_thread_id }),
    ...(detail.reaping !== undefined && { reaping: detail.reaping }),
    ...(detail.usage !== undefined && { usage: detail.usage }),
    ...(detail.active_ms !== undefined && { active_ms: detail.active_ms }),
    ...(detail.preview !== undefined && { preview: detail.preview }),
  };
}

function openStatus(detail: RunDetail, known: Reported): Progress['status'] | undefined {
  const { status } = detail;
  if (isLost(detail)) return known.status;
  return status === 'running' || status === 'paused' || status === 'input_required' ? status : undefined;
}

function toFinish(fence: Fence, detail: RunDetail): Finish {
  const status = detail.status === 'completed' || detail.status === 'cancelled' ? detail.status : 'failed';
  return {
    ...fence,
    now: detail.ended_at ?? fence.now,
    status,
    outcome: detail.outcome ?? { kind: 'lost', resumable: false },
    // They went with the progress of the same commit.
    handles: [],
    ...(detail.error !== undefined && { error: detail.error }),
  };
}
