import Database from 'better-sqlite3';

export interface Lock {
  release(): void;
}

/**
 * An exclusive lock the kernel drops when this process ends, however it ends. Node has no flock; an
 * exclusive transaction on an empty SQLite file takes the same kind of lock.
 */
export function takeLock(file: string): Lock | undefined {
  const db = new Database(file, { timeout: 0 });
  try {
    db.pragma('locking_mode = EXCLUSIVE');
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) return undefined;
    throw error;
  }
  return {
    release: () => {
      db.close();
    },
  };
}
