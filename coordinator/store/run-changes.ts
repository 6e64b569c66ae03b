import type { AttemptRecord, Decision } from '../../schemas/manifest.ts';
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

/** The attempt some worker has: the latest, while it has not ended. */
export function openAttempt(run: RunRecord): AttemptRecord | undefined {
  const latest = run.attempts.at(-1);
  return latest?.ended_at === undefined ? latest : undefined;
}

export function claimed(run: RunRecord, claim: Claim): RunRecord | undefined {
  const next = after(run, { kind: 'started', at: claim.now });
  if (next === undefined) return undefined;
  const attempt: AttemptRecord = {
    attempt: run.attempts.length + 1,
    placement: claim.placement,
    boot_id: claim.boot_id,
    claimed_at: claim.now,
    ...(claim.reserved !== undefined && { reserved: claim.reserved }),
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

export function progressed(run: RunRecord, change: Progress): RunRecord | undefined {
  const attempt = fenced(run, change);
  if (attempt === undefined) return undefined;
  const { status = run.status } = change;
  const next = after(run, ...eventsTo(run, status));
  if (next === undefined) return undefined;
  const told = withoutUndefined({
    remote_run_id: change.remote_run_id,
    started_at: change.started_at,
    first_output_at: change.first_output_at,
    liveness: change.liveness,
    engine_thread_id: change.engine_thread_id,
    reaping: change.reaping,
    ...usedBy(run, change),
  });
  const attempts = withLatest(run, { ...attempt, ...told, notes: withNotes(attempt.notes, change.notes) });
  return {
    ...run,
    status: next.status,
    first_output_at: run.first_output_at ?? change.first_output_at,
    attempts,
    handles: withHandles(run.handles, change.handles),
    usage: change.usage === undefined ? run.usage : usageOf(attempts),
    question: change.question === null ? undefined : (change.question ?? run.question),
    decisions: withDecisions(run.decisions, change.decisions),
    preview: change.preview ?? run.preview,
  };
}

export function finished(run: RunRecord, end: Finish): RunRecord | undefined {
  const attempt = fenced(run, end);
  if (attempt === undefined) return undefined;
  const notes = withNotes(attempt.notes, end.notes);
  const outcome = withReason(outcomeWithin(end.outcome, attempt.reserved, run.spec), run.cancel_reason);
  // A run that was to be cancelled is, however its attempt came to an end.
  const isCancelled = end.status === 'cancelled' && outcome.kind !== 'cancelled';
  const over = endOf(
    run,
    isCancelled ? withReason({ kind: 'cancelled' }, run.cancel_reason) : outcome,
    end.now,
  );
  if (over === undefined) return undefined;
  return {
    ...run,
    ...over,
    attempts: withLatest(run, { ...attempt, ended_at: end.now, outcome, notes }),
    handles: withHandles(run.handles, end.handles),
    usage: end.usage ?? run.usage,
    question: undefined,
    decisions: withDecisions(run.decisions, end.decisions),
    error: end.error,
    preview: end.preview ?? run.preview,
  };
}

export function requeued(run: RunRecord, end: Requeue): RunRecord | undefined {
  const attempt = fenced(run, end);
  if (attempt === undefined) return undefined;
  const { now, outcome, retry, not_before } = end;
  const next = after(run, { kind: 'released' });
  if (next === undefined) return undefined;
  const over = { ...attempt, ended_at: now, outcome, ...(retry !== undefined && { retry }) };
  const left: RunRecord = {
    ...run,
    status: next.status,
    attempts: withLatest(run, over),
    question: undefined,
    not_before,
  };
  return run.cancel_requested ? cancelledAtOnce(left, now) : left;
}

export function cancelled(run: RunRecord, now: number, reason?: string): RunRecord {
  if (run.ended_at !== undefined || run.cancel_requested) return run;
  const asked: RunRecord = { ...run, cancel_reason: reason };
  return openAttempt(run) === undefined ? cancelledAtOnce(asked, now) : { ...asked, cancel_requested: true };
}

/** Of a run no worker has. */
export function ended(run: RunRecord, { now, outcome, error }: Ending): RunRecord | undefined {
  if (run.ended_at !== undefined || openAttempt(run) !== undefined) return undefined;
  const over = endOf(run, outcome, now);
  return over && { ...run, ...over, error };
}

export function held(run: RunRecord, hold: boolean): RunRecord | undefined {
  if (run.ended_at !== undefined || openAttempt(run) !== undefined) return undefined;
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

/** What the latest attempt alone has used: a worker tells of its run, which an earlier one may have begun. */
function usedBy(run: RunRecord, { remote_run_id, usage, active_ms }: Progress) {
  const latest = run.attempts.at(-1);
  const there = remote_run_id ?? latest?.remote_run_id;
  const earlier = run.attempts
    .slice(0, -1)
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
  const attempt = openAttempt(run);
  return attempt?.attempt === fence.attempt ? attempt : undefined;
}

function withLatest(run: RunRecord, attempt: AttemptRecord): AttemptRecord[] {
  return [...run.attempts.slice(0, -1), attempt];
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

function withDecisions(kept: Decision[], reported: Decision[] | undefined): Decision[] {
  if (reported === undefined || reported.length === 0) return kept;
  const known = new Set(kept.map(decisionKey));
  const added: Decision[] = [];
  for (const decision of reported) {
    const key = decisionKey(decision);
    if (known.has(key)) continue;
    known.add(key);
    added.push(decision);
  }
  return added.length === 0 ? kept : [...kept, ...added];
}

function decisionKey({ at, asked, answer, by }: Decision): string {
  return JSON.stringify([at, asked, answer, by]);
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
    a.stage === b.stage &&
    a.media_type === b.media_type &&
    a.created_at === b.created_at
  );
}
