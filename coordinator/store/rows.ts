import type { ToldRow } from '../../core/token-ledger.ts';
import type { AttemptRecord, TokenCount } from '../../schemas/manifest.ts';
import type { RunStatus } from '../../schemas/run-words.ts';
import type { RunRecord, StoredHandle } from './run-store.ts';

/*
 * Rows as the tables have them, and records made of them. What the rows hold was written by this
 * program and is guarded by the tables' CHECKs; that the two sides fit is shown in the tests, where
 * every record read back is parsed by the schemas.
 */

/** A row of `run` with its row of `run_spec`. Fields in JSON are named so. */
export interface RunRow {
  arrival: number;
  run_id: string;
  owner: string;
  seq: number;
  status: RunStatus;
  attempt: number;
  accepted_at: number;
  first_claimed_at: number | null;
  first_output_at: number | null;
  ended_at: number | null;
  not_before: number | null;
  cancel_requested: number;
  cancel_reason: string | null;
  usage_json: string | null;
  question_json: string | null;
  decisions_json: string;
  outcome_json: string | null;
  error: string | null;
  preview: string | null;
  spec_json: string;
}

export interface AttemptRow {
  attempt: number;
  placement_json: string;
  boot_id: string;
  remote_run_id: string | null;
  claimed_at: number;
  started_at: number | null;
  first_output_at: number | null;
  liveness_json: string | null;
  ended_at: number | null;
  outcome_json: string | null;
  retry_json: string | null;
  hedge_json: string | null;
  superseded_by: number | null;
  engine_thread_id: string | null;
  reaping: string | null;
  degraded_json: string | null;
  reserved_json: string | null;
  usage_json: string | null;
  active_ms: number | null;
  privacy_json: string | null;
  notes_json: string;
}

export interface HandleRow {
  handle_id: string;
  worker_id: string;
  stream: StoredHandle['stream'];
  name: string | null;
  stage: string;
  media_type: string;
  state: StoredHandle['state'];
  bytes: number;
  lines: number;
  sha256: string | null;
  truncated: number;
  created_at: number;
  attempt: number;
  reused_bytes: number | null;
}

function fromJson<T>(text: string): T {
  return JSON.parse(text);
}

function fromJsonOrNull<T>(text: string | null): T | undefined {
  return text === null ? undefined : JSON.parse(text);
}

function toJson(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

export function toRun(row: RunRow, attempts: AttemptRow[], handles: HandleRow[]): RunRecord {
  return {
    run_id: row.run_id,
    owner: row.owner,
    seq: row.seq,
    spec: fromJson(row.spec_json),
    status: row.status,
    arrival: row.arrival,
    accepted_at: row.accepted_at,
    first_claimed_at: row.first_claimed_at ?? undefined,
    first_output_at: row.first_output_at ?? undefined,
    ended_at: row.ended_at ?? undefined,
    not_before: row.not_before ?? undefined,
    attempts: attempts.map(toAttempt),
    handles: handles.map(toHandle),
    usage: fromJsonOrNull(row.usage_json),
    question: fromJsonOrNull(row.question_json),
    decisions: fromJson(row.decisions_json),
    outcome: fromJsonOrNull(row.outcome_json),
    error: row.error ?? undefined,
    preview: row.preview ?? undefined,
    cancel_requested: row.cancel_requested === 1,
    cancel_reason: row.cancel_reason ?? undefined,
  };
}

function toAttempt(row: AttemptRow): AttemptRecord {
  return {
    attempt: row.attempt,
    placement: fromJson(row.placement_json),
    boot_id: row.boot_id,
    claimed_at: row.claimed_at,
    ...(row.remote_run_id !== null && { remote_run_id: row.remote_run_id }),
    ...(row.started_at !== null && { started_at: row.started_at }),
    ...(row.first_output_at !== null && { first_output_at: row.first_output_at }),
    ...(row.liveness_json !== null && { liveness: fromJson(row.liveness_json) }),
    ...(row.ended_at !== null && { ended_at: row.ended_at }),
    ...(row.outcome_json !== null && { outcome: fromJson(row.outcome_json) }),
    ...(row.retry_json !== null && { retry: fromJson(row.retry_json) }),
    ...(row.hedge_json !== null && { hedge: fromJson(row.hedge_json) }),
    ...(row.superseded_by !== null && { superseded_by: row.superseded_by }),
    ...(row.engine_thread_id !== null && { engine_thread_id: row.engine_thread_id }),
    ...(row.reaping !== null && { reaping: row.reaping }),
    ...(row.degraded_json !== null && { degraded: fromJson(row.degraded_json) }),
    ...(row.reserved_json !== null && { reserved: fromJson(row.reserved_json) }),
    ...(row.usage_json !== null && { usage: fromJson(row.usage_json) }),
    ...(row.active_ms !== null && { active_ms: row.active_ms }),
    ...(row.privacy_json !== null && { privacy: fromJson(row.privacy_json) }),
    notes: fromJson(row.notes_json),
  };
}

export function toHandle(row: HandleRow): StoredHandle {
  return {
    handle_id: row.handle_id,
    stream: row.stream,
    ...(row.name !== null && { name: row.name }),
    stage: row.stage,
    media_type: row.media_type,
    state: row.state,
    bytes: row.bytes,
    lines: row.lines,
    ...(row.sha256 !== null && { sha256: row.sha256 }),
    truncated: row.truncated === 1,
    created_at: row.created_at,
    worker_id: row.worker_id,
    attempt: row.attempt,
    ...(row.reused_bytes !== null && { reused_bytes: row.reused_bytes }),
  };
}

type Column = string | number | null;

/** A run as it arrives. */
export function runConstants(run: RunRecord): Column[] {
  const { arrival, run_id: id, owner, spec, accepted_at: acceptedAt, seq } = run;
  return [arrival, id, owner, spec.task_id, spec.request_key ?? null, acceptedAt, seq];
}

/** What a change may touch besides the attempts. */
export function runChanges(run: RunRecord): Column[] {
  return [
    run.seq,
    run.status,
    run.first_output_at ?? null,
    run.cancel_requested ? 1 : 0,
    run.cancel_reason ?? null,
    toJson(run.usage),
    toJson(run.question),
    JSON.stringify(run.decisions),
    run.preview ?? null,
    run.not_before ?? null,
  ];
}

/** An attempt as it begins. */
export function attemptConstants(
  arrival: number,
  attempt: AttemptRecord,
  leaseUntil: number | undefined,
): Column[] {
  return [
    arrival,
    attempt.attempt,
    attempt.placement.worker_id,
    JSON.stringify(attempt.placement),
    attempt.boot_id,
    attempt.claimed_at,
    toJson(attempt.reserved),
    toJson(attempt.hedge),
    leaseUntil ?? null,
    JSON.stringify(attempt.notes),
  ];
}

/** What a report may tell of an attempt. */
export function attemptChanges(attempt: AttemptRecord): Column[] {
  return [
    attempt.remote_run_id ?? null,
    attempt.started_at ?? null,
    attempt.first_output_at ?? null,
    toJson(attempt.liveness),
    attempt.engine_thread_id ?? null,
    attempt.reaping ?? null,
    toJson(attempt.degraded),
    toJson(attempt.usage),
    attempt.active_ms ?? null,
    toJson(attempt.privacy),
    JSON.stringify(attempt.notes),
  ];
}

/** What the end of an attempt tells of it besides. */
export function attemptEnd(attempt: AttemptRecord): Column[] {
  return [
    attempt.ended_at ?? null,
    toJson(attempt.outcome),
    toJson(attempt.retry),
    attempt.superseded_by ?? null,
  ];
}

export function handleChanges(handle: StoredHandle): Column[] {
  return [
    handle.worker_id,
    handle.stream,
    handle.name ?? null,
    handle.stage,
    handle.media_type,
    handle.state,
    handle.bytes,
    handle.lines,
    handle.sha256 ?? null,
    handle.truncated ? 1 : 0,
    handle.created_at,
    handle.attempt,
    handle.reused_bytes ?? null,
  ];
}

export interface ToldSqlRow extends Omit<ToldRow, 'inline'> {
  inline_tokens: number | null;
  inline_method: TokenCount['method'] | null;
}

export function toTold({ inline_tokens: tokens, inline_method: method, ...row }: ToldSqlRow): ToldRow {
  return { ...row, inline: tokens === null || method === null ? undefined : { tokens, method } };
}
