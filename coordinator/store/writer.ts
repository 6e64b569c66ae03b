import type { Database } from 'better-sqlite3';
import { failpoint } from '../../platform/failpoint.ts';
import { apply, weight, type Answer, type Operation } from './operations.ts';
import { describeFailure, type Failure } from './failures.ts';
import { createSqliteRunTable } from './sqlite-run-table.ts';
import { createVaultTable, vaultWeight, type VaultOperation } from './vault-table.ts';

/** All that one thread writes to one file. */
export type WriterOperation = Operation | VaultOperation;

export type Result = Answer | { kind: 'failed'; failure: Failure };

/** Most runs one transaction touches: bounds how long the first of them waits for the last. */
export const maxBatchWeight = 500;

export interface Writer {
  /** One transaction, one sync to disk. Results stand in the order of the operations. */
  commit(operations: readonly WriterOperation[]): Result[];
}

/**
 * Group commit: what many callers ask for at once costs one sync. An operation that fails takes back
 * itself alone; only where SQLite gives up the whole transaction (a full disk) do all of them fail.
 * Since hardly any ever fails, a batch is tried without savepoints first: SQLite keeps a copy of every
 * page that is changed under one.
 */
export function createWriter(db: Database): Writer {
  const table = createSqliteRunTable(db);
  let vault: ReturnType<typeof createVaultTable> | undefined;
  /** In the transaction under way. */
  let deletedKeys = false;
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const rollback = db.prepare('ROLLBACK');
  const savepoint = db.prepare('SAVEPOINT operation');
  const release = db.prepare('RELEASE operation');
  const undo = db.prepare('ROLLBACK TO operation');

  function applyOne(operation: WriterOperation): Answer {
    if (operation.kind !== 'vault') return apply(table, operation);
    vault ??= createVaultTable(db);
    deletedKeys = vault.apply(operation) || deletedKeys;
    return { kind: 'done' };
  }
  /** undefined where one of them fails; the transaction has then begun anew. */
  function applyTogether(operations: readonly WriterOperation[]): Result[] | undefined {
    try {
      return operations.map(applyOne);
    } catch {
      if (db.inTransaction) rollback.run();
      table.forget();
      begin.run();
      table.refresh();
      return undefined;
    }
  }
  function applyAlone(operation: WriterOperation): Result {
    savepoint.run();
    try {
      const answer = applyOne(operation);
      release.run();
      return answer;
    } catch (error) {
      if (!db.inTransaction) throw error;
      undo.run();
      release.run();
      table.forget();
      return { kind: 'failed', failure: describeFailure(error, db.name) };
    }
  }
  /** What was deleted still stands there. Where that cannot be now, the next fold of the log does it. */
  function emptyLog(): void {
    try {
      db.pragma('wal_checkpoint(TRUNCATE)');
    } catch {
      // What was committed stays committed.
    }
  }

  return {
    commit(operations) {
      deletedKeys = false;
      try {
        begin.run();
        table.refresh();
        const results = applyTogether(operations) ?? operations.map(applyAlone);
        table.saveCounter();
        for (const { kind } of operations) failpoint(`store.${kind}.before`);
        commit.run();
        for (const { kind } of operations) failpoint(`store.${kind}.after`);
        if (deletedKeys) emptyLog();
        return results;
      } catch (error) {
        if (db.inTransaction) rollback.run();
        table.forget();
        const failure = describeFailure(error, db.name);
        return operations.map(() => ({ kind: 'failed', failure }));
      }
    },
  };
}

/** How many of the first of `operations` make one batch: at least one, whatever its weight. */
export function batchLength(operations: readonly WriterOperation[]): number {
  let total = 0;
  for (const [at, operation] of operations.entries()) {
    total += operation.kind === 'vault' ? vaultWeight(operation) : weight(operation);
    if (total > maxBatchWeight) return Math.max(at, 1);
  }
  return operations.length;
}
