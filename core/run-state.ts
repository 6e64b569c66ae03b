import type { Outcome, Question } from '../schemas/run.ts';
import type { RunStatus } from '../schemas/run-words.ts';
import { ok, refused, type Result } from './result.ts';

export interface Pending {
  status: 'pending';
}

export interface Running {
  status: 'running';
  started_at: number;
}

export interface InputRequired {
  status: 'input_required';
  started_at: number;
  question: Question;
}

/**
 * `queued`: held back before it began. `turn_boundary`: its session is over, its thread goes on in a
 * new one. `stopped`: its processes are halted where they stand. `lost`: its process died, its
 * thread can go on. `put_away`: its worker was told to end, its thread goes on in the next process.
 */
export type PauseHow = 'queued' | 'turn_boundary' | 'stopped' | 'lost' | 'put_away';

export interface Paused {
  status: 'paused';
  how: PauseHow;
  /** undefined for `queued`. */
  started_at: number | undefined;
}

interface End {
  /** undefined for a run that never began. */
  started_at: number | undefined;
  ended_at: number;
  outcome: Outcome;
}

export interface Completed extends End {
  status: 'completed';
}
export interface Failed extends End {
  status: 'failed';
}
export interface Cancelled extends End {
  status: 'cancelled';
}

export type Ended = Completed | Failed | Cancelled;
export type Run = Pending | Running | InputRequired | Paused | Ended;

/** Times are ms since the epoch. */
export type RunEvent =
  | { kind: 'started'; at: number }
  | { kind: 'asked'; question: Question }
  | { kind: 'answered' }
  | { kind: 'paused'; how: PauseHow }
  | { kind: 'resumed' }
  /** Taken from its worker and queued again. */
  | { kind: 'released' }
  | { kind: 'ended'; at: number; outcome: Outcome };

export interface Refusal {
  from: RunStatus;
  event: RunEvent['kind'];
}

const reachable: Readonly<Record<RunStatus, readonly RunStatus[]>> = {
  pending: ['running', 'paused', 'failed', 'cancelled'],
  running: ['pending', 'input_required', 'paused', 'completed', 'failed', 'cancelled'],
  input_required: ['pending', 'running', 'input_required', 'paused', 'completed', 'failed', 'cancelled'],
  // A process can end in the instant it is stopped: then the run has completed, or rests before its next stage.
  paused: ['pending', 'running', 'paused', 'completed', 'failed', 'cancelled'],
  completed: [],
  failed: [],
  cancelled: [],
};

/** Whether some event leads from one status to the other in one step. */
export function canTransition(from: RunStatus, to: RunStatus): boolean {
  return reachable[from].includes(to);
}

/** The status a run ends in, by how its last attempt ended. */
export function statusOf(outcome: Outcome): Ended['status'] {
  if (outcome.kind === 'cancelled') return 'cancelled';
  return outcome.kind === 'exit' && outcome.code === 0 ? 'completed' : 'failed';
}

/** The one state machine of a run: the next state, or which event was refused in which status. */
export function transition(run: Run, event: RunEvent): Result<Run, Refusal> {
  const next = step(run, event);
  return next === undefined ? refused({ from: run.status, event: event.kind }) : ok(next);
}

function step(run: Run, event: RunEvent): Run | undefined {
  switch (run.status) {
    case 'pending':
      return fromPending(event);
    case 'running':
    case 'input_required':
      return fromRunning(run, event);
    case 'paused':
      return fromPaused(run, event);
    case 'completed':
    case 'failed':
    case 'cancelled':
      return undefined;
  }
}

function fromPending(event: RunEvent): Run | undefined {
  if (event.kind === 'started') return { status: 'running', started_at: event.at };
  if (event.kind === 'paused' && event.how === 'queued')
    return { status: 'paused', how: 'queued', started_at: undefined };
  if (event.kind === 'ended') return ended(undefined, event);
  return undefined;
}

function fromRunning(run: Running | InputRequired, event: RunEvent): Run | undefined {
  const { started_at } = run;
  switch (event.kind) {
    case 'asked':
      return { status: 'input_required', started_at, question: event.question };
    case 'answered':
      return run.status === 'input_required' ? { status: 'running', started_at } : undefined;
    case 'paused':
      return event.how === 'queued' ? undefined : { status: 'paused', how: event.how, started_at };
    case 'released':
      return { status: 'pending' };
    case 'ended':
      return ended(started_at, event);
    case 'started':
    case 'resumed':
      return undefined;
  }
}

function fromPaused(run: Paused, event: RunEvent): Run | undefined {
  if (event.kind === 'ended') return ended(run.started_at, event);
  if (run.started_at === undefined) return event.kind === 'resumed' ? { status: 'pending' } : undefined;
  if (event.kind === 'resumed') return { status: 'running', started_at: run.started_at };
  if (event.kind === 'paused' && event.how !== 'queued') return { ...run, how: event.how };
  return event.kind === 'released' ? { status: 'pending' } : undefined;
}

/** What never began can fail or be cancelled, not complete. */
function ended(
  startedAt: number | undefined,
  { at, outcome }: { at: number; outcome: Outcome },
): Ended | undefined {
  const status = statusOf(outcome);
  if (startedAt === undefined && status === 'completed') return undefined;
  return { status, started_at: startedAt, ended_at: at, outcome };
}
