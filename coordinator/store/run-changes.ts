import type { AttemptRecord, Decision, Hedge } from '../../schemas/manifest.ts';
import type {
  Claim,
  Ending,
  Fence,
  Finish,
  NewRun,
  Progress,
  Requeue,
  RunRecord,
  StoredHandle,
} from './run-store.ts';
import { outcomeWithin, usageSince } from '../../core/budget.ts';
import { isFirstToFinish } from '../../core/hedge.ts';
import { addUsage } from '../../core/usage.ts';
import type { Outcome, Usage } from '../../schemas/run.ts';
import { after, endOf, eventsTo } from './run-state-of.ts';

/*
 * What every call does to a run, as values: no store, no clock. The status changes through core's
 * `transition` and nowhere else. Each change answers the run as it is
 * afterwards (its seq is the store's business), the very same object where nothing changes, and
 * undefined where the call does not apply. Parts that stay are shared, never copied or written to.
 */

export function accepted(entry: NewRun, seq: number): RunRecord {
  return {
    run_id: entry.run_id,
    owner: entry.owner,
    seq,
    spec: entry.spec,
    status: 'pending',
    arrival: seq,
    accepted_at: entry.now,
    first_claimed_at: undefined,
    first_output_at: undefined,
    ended_at: undefined,
    not_before: undefined,
    attempts: [],
    handles: [],
    usage: undefined,
    question: undefined,
    decisions: [],
    outcome: undefined,
    error: undefined,
    preview: undefined,
    cancel_requested: false,
    cancel_reason: undefined,
  };
}

/** Attempts some worker has: one, or two where the second is a hedge. */
export function openAttempts(run: Pick<RunRecord, 'attempts'>): AttemptRecord[] {
  return run.attempts.filter((attempt) => attempt.ended_at === undefined);
}

export function claimed(run: RunRecord, claim: Claim): RunRecord | undefined {
  const { hedge } = claim;
  const next =
    hedge === undefined ? after(run, { kind: 'started', at: claim.now }) : canHedge(run, hedge) && run;
  if (next === undefined || next === false) return undefined;
  const attempt: AttemptRecord = {
    attempt: run.attempts.length + 1,
    placement: claim.placement,
    boot_id: claim.boot_id,
    claimed_at: claim.now,
    ...(claim.reserved !== undefined && { reserved: claim.reserved }),
    ...(hedge !== undefined && { hedge }),
    notes: [],
  };
  return {
    ...run,
    status: next.status,
    not_before: undefined,
    first_claimed_at: run.first_claimed_at ?? claim.now,
    attempts: [...run.attempts, attempt],
  };
}

function canHedge(run: RunRecord, { beside }: Hedge): boolean {
  const [only, ...others] = openAttempts(run);
  return run.status === 'running' && !run.cancel_requested && only?.attempt === beside && others.length === 0;
}

export function progressed(run: RunRecord, change: Progress): RunRecord | undefined {
  const attempt = fenced(run, change);
  if (attempt === undefined) return withLateHandles(run, change);
  const tells = openAttempts(run)[0] === attempt;
  const state = tells ? after(run, ...eventsTo(run, change.status ?? run.status)) : run;
  if (state === undefined) return undefined;
  const told = withoutUndefined({
    remote_run_id: change.remote_run_id,
    started_at: change.started_at,
    first_output_at: change.first_output_at,
    liveness: change.liveness,
    engine_thread_id: change.engine_thread_id,
    reaping: change.reaping,
    degraded: change.degraded,
    privacy: withPrivacy(attempt, change),
    ...usedBy(run, attempt, change),
  });
  const attempts = withAttempt(run, { ...attempt, ...told, notes: withNotes(attempt.notes, change.notes) });
  const next: RunRecord = {
    ...run,
    first_output_at: run.first_output_at ?? change.first_output_at,
    attempts,
    handles: withHandles(run.handles, change.handles),
    usage: change.usage === undefined ? run.usage : usageOf(attempts),
    decisions: withDecisions(run.decisions, change.decisions),
  };
  if (!tells) return next;
  return {
    ...next,
    status: state.status,
    question: change.question === null ? undefined : (change.question ?? run.question),
    preview: change.preview ?? run.preview,
  };
}

/** The very same where the change says nothing of it. */
function withPrivacy({ privacy }: AttemptRecord, change: Progress): AttemptRecord['privacy'] {
  return change.privacy === undefined ? privacy : { ...privacy, ...change.privacy };
}

/** The last words of an attempt that another has won over: where what it put out ends. */
function withLateHandles(run: RunRecord, change: Progress): RunRecord | undefined {
  const attempt = run.attempts[change.attempt - 1];
  if (attempt?.superseded_by === undefined) return undefined;
  const handles = withHandles(run.handles, change.handles);
  const isNew = handles.some((handle, at) => handle !== run.handles[at]);
  return isNew ? { ...run, handles } : run;
}

export function finished(run: RunRecord, end: Finish): RunRecord | undefined {
  const attempt = fenced(run, end);
  if (attempt === undefined) return undefined;
  const notes = withNotes(attempt.notes, end.notes);
  const outcome = withReason(outcomeWithin(end.outcome, attempt.reserved, run.spec), run.cancel_reason);
  // A run that was to be cancelled is, however its attempt came to an end.
  const isCancelled = end.status === 'cancelled' && outcome.kind !== 'cancelled';
  const ending = isCancelled ? withReason({ kind: 'cancelled' }, run.cancel_reason) : outcome;
  const attempts = withAttempt(run, { ...attempt, ended_at: end.now, outcome, notes });
  const isFirst = isFirstToFinish(end, run.spec.retry_on_exit === true);
  const isLeft = !isFirst && openAttempts({ attempts }).length > 0;
  const over = isLeft ? goingOn(run, attempt) : endOf(run, ending, end.now);
  if (over === undefined) return undefined;
  const left: RunRecord = {
    ...run,
    ...over,
    attempts,
    handles: withHandles(run.handles, end.handles),
    usage: end.usage ?? run.usage,
    decisions: withDecisions(run.decisions, end.decisions),
  };
  if (isLeft) return left;
  return {
    ...left,
    question: undefined,
    attempts: attempts.map((one) => superseded(one, attempt.attempt, end.now)),
    error: end.error,
    preview: end.preview ?? run.preview,
  };
}

/** One of two attempts is over. The other runs where it was not the one that told how the run stands. */
function goingOn(run: RunRecord, over: AttemptRecord): Pick<RunRecord, 'status' | 'question'> | undefined {
  if (openAttempts(run)[0] !== over) return { status: run.status, question: run.question };
  const state = after(run, ...eventsTo(run, 'running'));
  return state && { status: state.status, question: undefined };
}

/** An attempt that was under way when another one ended the run. */
function superseded(attempt: AttemptRecord, by: number, now: number): AttemptRecord {
  if (attempt.ended_at !== undefined) return attempt;
  const outcome: Outcome = { kind: 'cancelled', reason: `attempt ${String(by)} was first` };
  return { ...attempt, ended_at: now, outcome, superseded_by: by };
}

export function requeued(run: RunRecord, end: Requeue): RunRecord | undefined {
  const attempt = fenced(run, end);
  if (attempt === undefined) return undefined;
  const { now, outcome, retry, not_before } = end;
  const next = after(run, { kind: 'released' });
  if (next === undefined) return undefined;
  const over = { ...attempt, ended_at: now, outcome, ...(retry !== undefined && { retry }) };
  const attempts = withAttempt(run, over);
  if (openAttempts({ attempts }).length > 0) {
    const on = goingOn(run, attempt);
    return on && { ...run, ...on, attempts };
  }
  const left: RunRecord = { ...run, status: next.status, attempts, question: undefined, not_before };
  return run.cancel_requested ? cancelledAtOnce(left, now) : left;
}

export function cancelled(run: RunRecord, now: number, reason?: string): RunRecord {
  if (run.ended_at !== undefined || run.cancel_requested) return run;
  const asked: RunRecord = { ...run, cancel_reason: reason };
  return openAttempts(run).length === 0 ? cancelledAtOnce(asked, now) : { ...asked, cancel_requested: true };
}

/** Of a run no worker has. */
export function ended(run: RunRecord, { now, outcome, error }: Ending): RunRecord | undefined {
  if (run.ended_at !== undefined || openAttempts(run).length > 0) return undefined;
  const over = endOf(run, outcome, now);
  return over && { ...run, ...over, error };
}

export function held(run: RunRecord, hold: boolean): RunRecord | undefined {
  if (run.ended_at !== undefined || openAttempts(run).length > 0) return undefined;
  if (run.status === (hold ? 'paused' : 'pending')) return run;
  const next = after(run, hold ? { kind: 'paused', how: 'queued' } : { kind: 'resumed' });
  return next && { ...run, status: next.status };
}

function cancelledAtOnce(run: RunRecord, now: number): RunRecord {
  return { ...run, ...endOf(run, withReason({ kind: 'cancelled' }, run.cancel_reason), now) };
}

function withReason(outcome: Outcome, reason: string | undefined): Outcome {
  return outcome.kind === 'cancelled' && reason !== undefined ? { ...outcome, reason } : outcome;
}

/** What an attempt alone has used: a worker tells of its run, which an earlier one may have begun. */
function usedBy(run: RunRecord, attempt: AttemptRecord, { remote_run_id, usage, active_ms }: Progress) {
  const there = remote_run_id ?? attempt.remote_run_id;
  const earlier = run.attempts
    .slice(0, attempt.attempt - 1)
    .filter((one) => there !== undefined && one.remote_run_id === there);
  return {
    usage:
      usage &&
      usageSince(
        usage,
        earlier.map((one) => one.usage),
      ),
    active_ms:
      active_ms &&
      Math.max(
        0,
        earlier.reduce((left, one) => left - (one.active_ms ?? 0), active_ms),
      ),
  };
}

function usageOf(attempts: readonly AttemptRecord[]): Usage | undefined {
  return attempts.reduce<Usage | undefined>(
    (sum, { usage }) => (usage === undefined ? sum : addUsage(sum, usage)),
    undefined,
  );
}

function fenced(run: RunRecord, fence: Fence): AttemptRecord | undefined {
  const attempt = run.attempts[fence.attempt - 1];
  return attempt?.ended_at === undefined ? attempt : undefined;
}

function withAttempt(run: RunRecord, attempt: AttemptRecord): AttemptRecord[] {
  return run.attempts.with(attempt.attempt - 1, attempt);
}

function withoutUndefined<T extends object>(fields: T): Partial<T> {
  const told = { ...fields };
  for (const name in told) if (told[name] === undefined) delete told[name];
  return told;
}

function withNotes(kept: string[], reported: string[] | undefined): string[] {
  const added = reported?.filter((note, at) => !kept.includes(note) && reported.indexOf(note) === at) ?? [];
  return added.length === 0 ? kept : [...kept, ...added];
}

/** What was asked is replaced by what became of it; who began it is known from the first report. */
function withDecisions(kept: Decision[], reported: Decision[] | undefined): Decision[] {
  if (reported === undefined || reported.length === 0) return kept;
  const byKey = new Map(kept.map((decision) => [decisionKey(decision), decision]));
  let isNew = false;
  for (const decision of reported) {
    const key = decisionKey(decision);
    const known = byKey.get(key);
    if (known !== undefined && (known.answer !== 'asked' || decision.answer === 'asked')) continue;
    const { attempt = decision.attempt } = known ?? {};
    byKey.set(key, attempt === undefined ? decision : { ...decision, attempt });
    isNew = true;
  }
  return isNew ? [...byKey.values()] : kept;
}

function decisionKey({ at, asked, answer, by, escalation }: Decision): string {
  return JSON.stringify(escalation === undefined ? [at, asked, answer, by] : [at, asked, escalation]);
}

function withHandles(kept: StoredHandle[], reported: StoredHandle[] | undefined): StoredHandle[] {
  if (reported === undefined || reported.length === 0) return kept;
  const byId = new Map(kept.map((handle) => [handle.handle_id, handle]));
  for (const handle of reported) {
    const known = byId.get(handle.handle_id);
    // An object that stays the same object needs no write.
    if (known === undefined) byId.set(handle.handle_id, handle);
    // A worker that goes on with a run tells of all its handles: who began one is known.
    else if (!sameHandle(known, handle)) byId.set(handle.handle_id, { ...handle, attempt: known.attempt });
  }
  return [...byId.values()];
}

function sameHandle(a: StoredHandle, b: StoredHandle): boolean {
  return (
    a.bytes === b.bytes &&
    a.lines === b.lines &&
    a.state === b.state &&
    a.sha256 === b.sha256 &&
    a.truncated === b.truncated &&
    a.worker_id === b.worker_id &&
    a.stream === b.stream &&
    a.name === b.name &&
    a.stage === b.stage &&
    a.media_type === b.media_type &&
    a.created_at === b.created_at
  );
}
