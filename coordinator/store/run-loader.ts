import type { Database } from 'better-sqlite3';
import { toRun, type AttemptRow, type HandleRow, type RunRow } from './rows.ts';
import type { RunRecord } from './run-store.ts';

export const runColumns = `
  run.arrival, run_id, owner, seq, status, attempt, accepted_at, first_claimed_at, first_output_at, ended_at,
  not_before, cancel_requested, cancel_reason, usage AS usage_json, question AS question_json,
  decisions AS decisions_json,
  outcome AS outcome_json, error, preview, spec AS spec_json`;

export const handleColumnNames = `
  handle_id, handle.worker_id, stream, name, stage, media_type, state, bytes, lines, sha256, truncated, created_at, handle.attempt,
  reused_bytes`;

export interface RunLoader {
  byId(runId: string): RunRecord | undefined;
  byKey(owner: string, requestKey: string): RunRecord | undefined;
  /** The run of a row that was just read, in the same transaction. */
  complete(row: RunRow): RunRecord;
}

/** Reads whole runs over any connection; the caller holds the transaction that makes them consistent. */
export function createRunLoader(db: Database): RunLoader {
  const from = `SELECT ${runColumns} FROM run JOIN run_spec USING (arrival)`;
  const byId = db.prepare<[string], RunRow>(`${from} WHERE run_id = ?`);
  const byKey = db.prepare<[string, string], RunRow>(`${from} WHERE owner = ? AND request_key = ?`);
  const attempts = db.prepare<[number], AttemptRow>(`
    SELECT attempt, placement AS placement_json, boot_id, remote_run_id, claimed_at, started_at,
      first_output_at, liveness AS liveness_json, ended_at, outcome AS outcome_json, retry AS retry_json,
      hedge AS hedge_json, superseded_by, engine_thread_id, reaping, degraded AS degraded_json,
      reserved AS reserved_json, usage AS usage_json, active_ms, privacy AS privacy_json, notes AS notes_json
    FROM attempt WHERE arrival = ? ORDER BY attempt`);
  const handles = db.prepare<[number], HandleRow>(
    `SELECT ${handleColumnNames} FROM handle WHERE arrival = ? ORDER BY position`,
  );

  function complete(row: RunRow): RunRecord {
    // A run nobody has claimed yet, as most of a long queue, has neither.
    if (row.attempt === 0) return toRun(row, [], []);
    return toRun(row, attempts.all(row.arrival), handles.all(row.arrival));
  }
  function completeOrNone(row: RunRow | undefined): RunRecord | undefined {
    return row === undefined ? undefined : complete(row);
  }
  return {
    byId: (runId) => completeOrNone(byId.get(runId)),
    byKey: (owner, requestKey) => completeOrNone(byKey.get(owner, requestKey)),
    complete,
  };
}
