import { FleetError } from '../../core/errors.ts';
import { createRunCalls } from './run-calls.ts';
import type { RunStore } from './run-store.ts';
import { openSqliteRunReader, type SqliteRunReader } from './sqlite-run-reader.ts';
import { createVaultStore, type VaultStore } from './vault-store.ts';
import { startWriter } from './writer-client.ts';

export interface Stores {
  runs: RunStore;
  vault: VaultStore;
  close(): Promise<void>;
}

/**
 * Runs in one SQLite file: written by a thread of its own, read by this one over a second connection.
 * WRONG_STATE for a file that is damaged, newer, or not ours; STORE_UNAVAILABLE where it cannot be made.
 */
export async function openSqliteRunStore(file: string): Promise<RunStore> {
  return (await openSqliteStores(file)).runs;
}

/** The same with the vault that is in the same file, behind the same writer. */
export async function openSqliteStores(file: string): Promise<Stores> {
  const writer = await startWriter(file);
  const vault = createVaultStore(file, writer);
  let opened: SqliteRunReader | undefined;
  let closed = false;

  /** Opened by the first read: a coordinator that starts has no time to lose. */
  function reader(): SqliteRunReader {
    if (closed) throw new FleetError('SHUTTING_DOWN', 'The store is closed.');
    return (opened ??= openSqliteRunReader(file));
  }
  async function close(): Promise<void> {
    closed = true;
    // First the reader: while it is open the writer cannot fold its log away.
    opened?.close();
    vault.close();
    await writer.close();
  }
  const runs = createRunCalls({ send: (operation) => writer.send(operation), reader, close });
  return { runs, vault: vault.store, close };
}
