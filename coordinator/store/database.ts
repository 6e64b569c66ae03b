import Database from 'better-sqlite3';
import { closeSync, openSync } from 'node:fs';
import { migrate, migrations } from './migrate.ts';

/** The first release without the WAL-reset bug, which corrupts a file that two connections checkpoint. */
const oldestSqlite = [3, 51, 3];
/** How long to wait for another process's lock, such as a backup's. */
const busyTimeoutMs = 5000;

/**
 * The one connection that writes: the file made (0600) where there is none, migrated, and every commit
 * on the disk before it returns. better-sqlite3 is built to weaken `synchronous` to NORMAL under WAL,
 * where a power cut takes back the last commits, so it is set and checked here.
 */
export function openForWriting(file: string): Database.Database {
  closeSync(openSync(file, 'a', 0o600));
  const db = new Database(file, { timeout: busyTimeoutMs });
  try {
    checkVersion(db);
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    db.pragma('temp_store = MEMORY');
    db.pragma('cache_size = -65536');
    db.pragma('journal_size_limit = 67108864');
    expectSetting(db, 'journal_mode', 'wal');
    expectSetting(db, 'synchronous', 2);
    migrate(db, migrations());
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Folds the log into the file, so that what stays behind is one file, and closes it. */
export function closeAfterWriting(db: Database.Database): void {
  try {
    db.pragma('optimize');
    db.pragma('wal_checkpoint(TRUNCATE)');
  } finally {
    db.close();
  }
}

/** A connection for short reads beside the writer. */
export function openForReading(file: string): Database.Database {
  const db = new Database(file, { readonly: true, fileMustExist: true, timeout: busyTimeoutMs });
  db.pragma('temp_store = MEMORY');
  return db;
}

function expectSetting(db: Database.Database, name: string, expected: unknown): void {
  const actual = db.pragma(name, { simple: true });
  if (actual !== expected) throw new Error(`PRAGMA ${name} is ${String(actual)}, not ${String(expected)}`);
}

function checkVersion(db: Database.Database): void {
  const found = String(db.prepare('SELECT sqlite_version()').pluck().get());
  const parts = found.split('.').map(Number);
  for (const [at, least] of oldestSqlite.entries()) {
    const part = parts[at] ?? 0;
    if (part > least) return;
    if (part < least) throw new Error(`SQLite ${found} is older than ${oldestSqlite.join('.')}`);
  }
}
