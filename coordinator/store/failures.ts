import Database from 'better-sqlite3';
import { FleetError } from '../../core/errors.ts';
import type { ErrorCode } from '../../schemas/error-codes.ts';

/** A FleetError as a plain object that can cross threads; `detail` is the original's text, for the log. */
export interface Failure {
  code: ErrorCode;
  message: string;
  next: string | undefined;
  detail: string;
}

export function describeFailure(error: unknown, file: string): Failure {
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  if (error instanceof FleetError)
    return { code: error.code, message: error.message, next: error.next, detail };
  const known =
    error instanceof Database.SqliteError ? sqliteFailure(error.code, file) : openFailure(error, file);
  return {
    ...(known ?? { code: 'INTERNAL', message: 'The store met an error it does not know.', next: undefined }),
    detail,
  };
}

export function toFleetError({ code, message, next, detail }: Failure): FleetError {
  return new FleetError(code, message, { ...(next !== undefined && { next }), cause: new Error(detail) });
}

type Known = Omit<Failure, 'detail'>;

/** By SQLite's extended result codes (sqlite.org/rescode.html). */
function sqliteFailure(code: string, file: string): Known | undefined {
  if (code === 'SQLITE_FULL' || code.startsWith('SQLITE_IOERR')) return unwritable();
  if (code.startsWith('SQLITE_BUSY')) {
    return {
      code: 'STORE_UNAVAILABLE',
      message: 'Another program holds the database of the fleet; nothing of this call was kept.',
      next: 'Close the program that has the database open, then call again.',
    };
  }
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') return damaged(file);
  if (code.startsWith('SQLITE_CANTOPEN') || code.startsWith('SQLITE_READONLY')) return unopened(file);
  return undefined;
}

function openFailure(error: unknown, file: string): Known | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT') return unwritable();
  return code === 'ENOENT' || code === 'EACCES' || code === 'EROFS' || code === 'EISDIR'
    ? unopened(file)
    : undefined;
}

export function damaged(file: string): Known {
  return {
    code: 'WRONG_STATE',
    message: `The database ${file} is damaged or no database at all.`,
    next: 'Restore it from a backup, or move it and the files beside it that begin with its name away: the fleet then starts with an empty one.',
  };
}

function unwritable(): Known {
  return {
    code: 'STORE_UNAVAILABLE',
    message:
      'The database of the fleet could not be written, most likely for want of space; nothing of this call was kept.',
    next: undefined,
  };
}

function unopened(file: string): Known {
  return {
    code: 'STORE_UNAVAILABLE',
    message: `The database ${file} cannot be opened for writing.`,
    next: 'Make the state folder exist and belong to you, then call again.',
  };
}
