import type { Database } from 'better-sqlite3';
import { typeCounts, type TypeCounts } from '../../schemas/privacy.ts';
import { openForReading } from './database.ts';
import { describeFailure, toFleetError } from './failures.ts';
import type { RestoreRow, ScopeRow, VaultChange } from './vault-table.ts';
import type { WriterClient } from './writer-client.ts';

/**
 * Keys and values of surrogates as they are on disk: all encrypted. Changes settle when they are
 * durable. STORE_UNAVAILABLE where nothing could be written.
 */
export interface VaultStore {
  change(changes: readonly VaultChange[]): Promise<void>;
  scope(scope: string): ScopeRow | undefined;
  scopes(): ScopeRow[];
  box(scope: string, surrogate: string): Uint8Array | undefined;
  /** The latest first; of one task, of one run, or of all. */
  restores(of: RestoresOf, most: number): RestoreRow[];
}

export interface RestoresOf {
  scope?: string | undefined;
  run_id?: string | undefined;
}

export interface OpenVaultStore {
  store: VaultStore;
  close(): void;
}

/** Read over a connection of its own, opened by the first read. */
export function createVaultStore(file: string, writer: Pick<WriterClient, 'send'>): OpenVaultStore {
  const reader = openVaultReader(file);
  const { scope, scopes, box, restores } = reader;
  const store: VaultStore = {
    async change(changes) {
      if (changes.length > 0) await writer.send({ kind: 'vault', changes });
    },
    scope,
    scopes,
    box,
    restores,
  };
  return { store, close: reader.close };
}

export interface VaultReader extends Omit<VaultStore, 'change'> {
  /** Private values replaced in all runs that are kept, by type. */
  replaced(): TypeCounts;
  close(): void;
}

/** Opened by the first read. STORE_UNAVAILABLE where that fails. */
export function openVaultReader(file: string): VaultReader {
  let opened: { db: Database; sql: ReturnType<typeof prepare> } | undefined;
  function read<T>(one: (sql: ReturnType<typeof prepare>) => T): T {
    try {
      if (opened === undefined) {
        const db = openForReading(file);
        opened = { db, sql: prepare(db) };
      }
      return one(opened.sql);
    } catch (error) {
      throw toFleetError(describeFailure(error, file));
    }
  }
  return {
    scope: (scope) => read((sql) => sql.scope.get(scope)),
    scopes: () => read((sql) => sql.scopes.all()),
    box: (scope, surrogate) => read((sql) => sql.box.get(scope, surrogate)),
    restores: ({ scope = null, run_id: runId = null }, most) =>
      read((sql) => sql.restores.all(runId, runId, scope, scope, most)),
    replaced: () =>
      typeCounts.parse(
        Object.fromEntries(read((sql) => sql.replaced.all()).map(({ type, many }) => [type, many])),
      ),
    close: () => {
      opened?.db.close();
    },
  };
}

const scopeColumns = 'scope, created_at, expires_at, key_version, key_box';

function prepare(db: Database) {
  return {
    scope: db.prepare<[string], ScopeRow>(`SELECT ${scopeColumns} FROM vault_scope WHERE scope = ?`),
    scopes: db.prepare<[], ScopeRow>(`SELECT ${scopeColumns} FROM vault_scope ORDER BY created_at, scope`),
    box: db
      .prepare<[string, string], Uint8Array>('SELECT box FROM vault_value WHERE scope = ? AND surrogate = ?')
      .pluck(),
    replaced: db.prepare<[], { type: string; many: number }>(
      `SELECT each.key AS type, sum(each.value) AS many
       FROM attempt, json_each(attempt.privacy, '$.replaced') AS each GROUP BY each.key ORDER BY each.key`,
    ),
    restores: db.prepare<[string | null, string | null, string | null, string | null, number], RestoreRow>(
      `SELECT at, scope, run_id, handle_id, destination, allowed, restored, withheld, unknown FROM vault_restore
       WHERE (? IS NULL OR run_id = ?) AND (? IS NULL OR scope = ?) ORDER BY restore_id DESC LIMIT ?`,
    ),
  };
}
