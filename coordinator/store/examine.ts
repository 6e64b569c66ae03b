import { FleetError } from '../../core/errors.ts';
import { openForReading } from './database.ts';
import { damaged, describeFailure, toFleetError } from './failures.ts';
import { migrations, versionOf } from './migrate.ts';

/**
 * Reads every page of a file and changes nothing (`PRAGMA quick_check`, about a second a gigabyte).
 * WRONG_STATE where it is damaged, of a newer program or of another one; STORE_UNAVAILABLE where it cannot be read.
 */
export function examineDatabase(file: string): void {
  try {
    const db = openForReading(file);
    try {
      versionOf(db, migrations().length);
      if (db.pragma('quick_check(1)', { simple: true }) === 'ok') return;
    } finally {
      db.close();
    }
  } catch (error) {
    throw toFleetError(describeFailure(error, file));
  }
  const { code, message, next } = damaged(file);
  throw new FleetError(code, message, { ...(next !== undefined && { next }) });
}
