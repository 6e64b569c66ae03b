import type { Database } from 'better-sqlite3';
import { openForWriting } from '../../coordinator/store/database.ts';
import { claimOf, finishOf, newRun } from './queue-fixture.ts';

/**
 * The yardstick: the same rows in the same tables by a bare better-sqlite3 loop on the main thread,
 * grouped in the same way and as durable, with no checks, no reading back and nobody waiting.
 * Answers runs per second.
 */
export function bareLoop(file: string, inFlight: number, total: number): number {
  const db = openForWriting(file);
  const sql = prepare(db);
  let seq = 0;
  const from = performance.now();
  for (let done = 0; done < total; done += inFlight) {
    const now = Date.now();
    const group = Array.from({ length: inFlight }, () => ({ arrival: ++seq, run: newRun(now) }));
    sql.grouped(() => {
      for (const { arrival, run } of group) {
        const { spec } = run;
        sql.insertRun.run(arrival, run.run_id, run.owner, spec.task_id, spec.request_key, now, arrival);
        sql.insertSpec.run(arrival, JSON.stringify(spec));
      }
    });
    sql.grouped(() => {
      for (const { arrival, run } of group) {
        const { placement, boot_id: bootId, lease_ms: leaseMs } = claimOf(run, now);
        sql.claim.run(++seq, now, arrival);
        sql.insertAttempt.run(
          arrival,
          placement.worker_id,
          JSON.stringify(placement),
          bootId,
          now,
          now + leaseMs,
        );
      }
    });
    sql.grouped(() => {
      for (const { arrival, run } of group) {
        const { outcome, handles, preview } = finishOf(run, now);
        const outcomeJson = JSON.stringify(outcome);
        sql.finish.run(++seq, now, outcomeJson, preview, arrival);
        sql.endAttempt.run(now, outcomeJson, arrival);
        for (const [at, one] of handles.entries())
          sql.insertHandle.run(one.handle_id, arrival, at, one.stream, one.bytes, one.lines, one.sha256, now);
      }
    });
  }
  const seconds = (performance.now() - from) / 1000;
  db.close();
  return total / seconds;
}

function prepare(db: Database) {
  return {
    grouped: (work: () => void) => {
      db.transaction(work).immediate();
    },
    insertRun: db.prepare(`
      INSERT INTO run (arrival, run_id, owner, task_id, request_key, accepted_at, seq, status, attempt,
        cancel_requested, decisions)
      VALUES (?, ?, ?, ?, ?, ?, ?, 'pending', 0, 0, '[]')`),
    insertSpec: db.prepare('INSERT INTO run_spec (arrival, spec) VALUES (?, ?)'),
    claim: db.prepare(`
      UPDATE run SET seq = ?, status = 'running', attempt = 1, first_claimed_at = ? WHERE arrival = ?`),
    insertAttempt: db.prepare(`
      INSERT INTO attempt (arrival, attempt, worker_id, placement, boot_id, claimed_at, lease_until, notes)
      VALUES (?, 1, ?, ?, ?, ?, ?, '[]')`),
    finish: db.prepare(`
      UPDATE run SET seq = ?, status = 'completed', ended_at = ?, outcome = ?, preview = ?
      WHERE arrival = ?`),
    endAttempt: db.prepare('UPDATE attempt SET ended_at = ?, outcome = ? WHERE arrival = ? AND attempt = 1'),
    insertHandle: db.prepare(`
      INSERT INTO handle (handle_id, arrival, position, worker_id, stream, stage, media_type, state, bytes,
        lines, sha256, truncated, created_at, attempt)
      VALUES (?, ?, ?, 'local-1', ?, 'history', 'text/plain', 'sealed', ?, ?, ?, 0, ?, 1)`),
  };
}
