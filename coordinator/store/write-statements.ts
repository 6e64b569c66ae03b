import type { Database, Statement } from 'better-sqlite3';

/** What is written, every statement prepared once. Parameters in the order of rows.ts. */
export interface Writes {
  /** Changes with every commit of another connection, never with our own. */
  dataVersion: Statement<[], number>;
  counter: Statement<[], number>;
  saveCounter: Statement;
  hasHandle: Statement<[string], number>;
  insertRun: Statement;
  insertSpec: Statement;
  /** A run gets one more attempt. */
  claimRun: Statement;
  /** A run goes on: the index of open runs stays untouched. */
  changeRun: Statement;
  endRun: Statement;
  insertAttempt: Statement;
  /** An attempt goes on: the index of leases stays untouched. */
  changeAttempt: Statement;
  /** With all that a change may touch. */
  endAttempt: Statement;
  insertHandle: Statement;
  updateHandle: Statement;
  extendLeases: Statement;
  /** All that refers to it goes with it. */
  removeRun: Statement;
  owe: Statement;
  settle: Statement;
  tell: Statement;
  drain: Statement;
  undrain: Statement;
  task: Statement<[string, string], { limits: string; runs: number; spent: string | null }>;
  saveTask: Statement;
  removeTask: Statement;
  countRuns: Statement<[string, string], number>;
}

const changes =
  'seq = ?, status = ?, first_output_at = ?, cancel_requested = ?, cancel_reason = ?, usage = ?, question = ?, ' +
  'decisions = ?, preview = ?, not_before = ?';

const attemptChanges =
  'remote_run_id = ?, started_at = ?, first_output_at = ?, liveness = ?, engine_thread_id = ?, reaping = ?, ' +
  'degraded = ?, usage = ?, active_ms = ?, privacy = ?, notes = ?';

export function prepareWrites(db: Database): Writes {
  return {
    dataVersion: db.prepare<[], number>('PRAGMA data_version').pluck(),
    counter: db.prepare<[], number>('SELECT seq FROM counter').pluck(),
    saveCounter: db.prepare('UPDATE counter SET seq = ?'),
    hasHandle: db.prepare<[string], number>('SELECT 1 FROM handle WHERE handle_id = ?').pluck(),
    insertRun: db.prepare(`
      INSERT INTO run (
        arrival, run_id, owner, task_id, request_key, accepted_at, seq, status, attempt, cancel_requested, decisions
      ) VALUES (?, ?, ?, ?, ?, ?, ?, 'pending', 0, 0, '[]')`),
    insertSpec: db.prepare('INSERT INTO run_spec (arrival, spec) VALUES (?, ?)'),
    claimRun: db.prepare(`
      UPDATE run SET seq = ?, status = ?, not_before = ?, attempt = ?, first_claimed_at = ? WHERE arrival = ?`),
    changeRun: db.prepare(`UPDATE run SET ${changes} WHERE arrival = ?`),
    endRun: db.prepare(`
      UPDATE run SET ${changes}, ended_at = ?, outcome = ?, error = ? WHERE arrival = ?`),
    insertAttempt: db.prepare(`
      INSERT INTO attempt (
        arrival, attempt, worker_id, placement, boot_id, claimed_at, reserved, hedge, lease_until, notes
      ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`),
    changeAttempt: db.prepare(`UPDATE attempt SET ${attemptChanges} WHERE arrival = ? AND attempt = ?`),
    endAttempt: db.prepare(`
      UPDATE attempt SET ${attemptChanges}, ended_at = ?, outcome = ?, retry = ?, superseded_by = ?
      WHERE arrival = ? AND attempt = ?`),
    insertHandle: db.prepare(`
      INSERT INTO handle (
        arrival, position, handle_id,
        worker_id, stream, name, stage, media_type, state, bytes, lines, sha256, truncated, created_at, attempt,
        reused_bytes
      ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`),
    updateHandle: db.prepare(`
      UPDATE handle SET worker_id = ?, stream = ?, name = ?, stage = ?, media_type = ?, state = ?, bytes = ?, lines = ?,
        sha256 = ?, truncated = ?, created_at = ?, attempt = ?, reused_bytes = ?
      WHERE arrival = ? AND position = ?`),
    extendLeases: db.prepare(
      `UPDATE attempt INDEXED BY attempt_leased SET lease_until = ?
       WHERE ended_at IS NULL AND worker_id IN (SELECT value FROM json_each(?))`,
    ),
    tell: db.prepare(`
      INSERT INTO told (arrival, replies, bytes, counted_bytes, tokens, inline_tokens, inline_method)
      SELECT arrival, ?, ?, ?, ?, ?, ? FROM run WHERE run_id = ?
      ON CONFLICT (arrival) DO UPDATE SET replies = replies + excluded.replies, bytes = bytes + excluded.bytes,
        counted_bytes = counted_bytes + excluded.counted_bytes, tokens = tokens + excluded.tokens,
        inline_tokens = coalesce(excluded.inline_tokens, inline_tokens),
        inline_method = coalesce(excluded.inline_method, inline_method)`),
    drain: db.prepare('INSERT INTO drained_worker (worker_id) VALUES (?) ON CONFLICT DO NOTHING'),
    undrain: db.prepare('DELETE FROM drained_worker WHERE worker_id = ?'),
    removeRun: db.prepare('DELETE FROM run WHERE arrival = ?'),
    owe: db.prepare('INSERT INTO owed (worker_id, run_id, attempts) VALUES (?, ?, ?)'),
    settle: db.prepare('DELETE FROM owed WHERE worker_id = ? AND run_id IN (SELECT value FROM json_each(?))'),
    task: db.prepare<[string, string], { limits: string; runs: number; spent: string | null }>(
      'SELECT limits, runs, spent FROM task_budget WHERE owner = ? AND task_id = ?',
    ),
    saveTask: db.prepare(
      'INSERT OR REPLACE INTO task_budget (owner, task_id, limits, runs, spent) VALUES (?, ?, ?, ?, ?)',
    ),
    removeTask: db.prepare('DELETE FROM task_budget WHERE owner = ? AND task_id = ?'),
    countRuns: db
      .prepare<[string, string], number>('SELECT count(*) FROM run WHERE owner = ? AND task_id = ?')
      .pluck(),
  };
}
