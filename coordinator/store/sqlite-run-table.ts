import type { Database } from 'better-sqlite3';
import type { RunTable } from './run-table.ts';
import {
  attemptChanges,
  attemptConstants,
  attemptEnd,
  handleChanges,
  runChanges,
  runConstants,
} from './rows.ts';
import { createRunCache } from './run-cache.ts';
import { createRunLoader } from './run-loader.ts';
import type { RunRecord } from './run-store.ts';
import { prepareWrites, type Writes } from './write-statements.ts';

export interface SqliteRunTable extends RunTable {
  /** First thing in a transaction: forgets what another connection may have changed since the last one. */
  refresh(): void;
  /** Last thing in a transaction: keeps the counter the transaction has drawn from. */
  saveCounter(): void;
  /** After a rollback, whole or to a savepoint. */
  forget(): void;
}

const cacheSize = 16_000_000;

/** Runs as rows, for the one connection that writes; so it may remember what it wrote last. */
export function createSqliteRunTable(db: Database): SqliteRunTable {
  const loader = createRunLoader(db);
  const sql = prepareWrites(db);
  const cache = createRunCache(cacheSize, { ended: 'dropped' });
  let seq = sql.counter.get() ?? 0;
  let savedSeq = seq;
  let version = sql.dataVersion.get();

  return {
    load: (runId) => cache.get(runId) ?? loader.byId(runId),
    loadByKey: (owner, requestKey) => loader.byKey(owner, requestKey),
    hasHandle: (handleId) => sql.hasHandle.get(handleId) !== undefined,
    nextSeq: () => ++seq,
    insert(run) {
      sql.insertRun.run(...runConstants(run));
      sql.insertSpec.run(run.arrival, JSON.stringify(run.spec));
      cache.put(run);
    },
    update(before, after, leaseUntil) {
      updateRun(sql, before, after);
      writeAttempts(sql, before, after, leaseUntil);
      writeHandles(sql, before, after);
      cache.put(after);
    },
    remove(run) {
      sql.removeRun.run(run.arrival);
      cache.remove(run.run_id);
    },
    owe({ worker_id: workerId, run_id: runId, attempts }) {
      sql.owe.run(workerId, runId, attempts);
    },
    settle(workerId, runIds) {
      sql.settle.run(workerId, JSON.stringify(runIds));
    },
    loadTask(owner, taskId) {
      const row = sql.task.get(owner, taskId);
      if (row === undefined) return undefined;
      const { runs, spent } = row;
      return { limits: JSON.parse(row.limits), runs, ...(spent !== null && { spent: JSON.parse(spent) }) };
    },
    saveTask(owner, taskId, { limits, runs, spent }) {
      const used = spent === undefined ? null : JSON.stringify(spent);
      sql.saveTask.run(owner, taskId, JSON.stringify(limits), runs, used);
    },
    removeTask(owner, taskId) {
      sql.removeTask.run(owner, taskId);
    },
    countRuns: (owner, taskId) => sql.countRuns.get(owner, taskId) ?? 0,
    extendLeases(workerIds, until) {
      sql.extendLeases.run(until, JSON.stringify(workerIds));
    },
    tell({ run_id: runId, replies, bytes, counted_bytes: counted, tokens, inline }) {
      const { tokens: inlineTokens = null, method = null } = inline ?? {};
      sql.tell.run(replies, bytes, counted, tokens, inlineTokens, method, runId);
    },
    setDrained(workerId, drained) {
      (drained ? sql.drain : sql.undrain).run(workerId);
    },
    refresh() {
      const found = sql.dataVersion.get();
      if (found === version) return;
      version = found;
      cache.clear();
      seq = Math.max(seq, sql.counter.get() ?? 0);
    },
    saveCounter() {
      if (seq === savedSeq) return;
      sql.saveCounter.run(seq);
      savedSeq = seq;
    },
    forget: () => {
      cache.clear();
    },
  };
}

function updateRun(sql: Writes, before: RunRecord, after: RunRecord): void {
  if (after.ended_at !== before.ended_at) {
    const outcome = after.outcome === undefined ? null : JSON.stringify(after.outcome);
    sql.endRun.run(...runChanges(after), after.ended_at, outcome, after.error ?? null, after.arrival);
  } else if (after.attempts.length > before.attempts.length) {
    const { seq, status, not_before: notBefore, attempts, first_claimed_at: claimedAt, arrival } = after;
    sql.claimRun.run(seq, status, notBefore ?? null, attempts.length, claimedAt, arrival);
  } else {
    sql.changeRun.run(...runChanges(after), after.arrival);
  }
}

// Parts that did not change are the very same objects before and after (run-changes.ts).

function writeAttempts(sql: Writes, before: RunRecord, after: RunRecord, leaseUntil?: number): void {
  for (const [at, attempt] of after.attempts.entries()) {
    const known = before.attempts[at];
    if (attempt === known) continue;
    const { arrival } = after;
    if (known === undefined) sql.insertAttempt.run(...attemptConstants(arrival, attempt, leaseUntil));
    else if (known.ended_at === attempt.ended_at)
      sql.changeAttempt.run(...attemptChanges(attempt), arrival, attempt.attempt);
    else sql.endAttempt.run(...attemptChanges(attempt), ...attemptEnd(attempt), arrival, attempt.attempt);
  }
}

function writeHandles(sql: Writes, before: RunRecord, after: RunRecord): void {
  for (const [at, handle] of after.handles.entries()) {
    const known = before.handles[at];
    if (handle === known) continue;
    if (known === undefined)
      sql.insertHandle.run(after.arrival, at, handle.handle_id, ...handleChanges(handle));
    else sql.updateHandle.run(...handleChanges(handle), after.arrival, at);
  }
}
