import Database from 'better-sqlite3';
import { expect, it } from 'vitest';
import { describeFailure, toFleetError } from '../../../coordinator/store/failures.ts';
import { FleetError } from '../../../core/errors.ts';

const file = 'fleet.db';

it.each([
  ['SQLITE_FULL', 'STORE_UNAVAILABLE', 'for want of space'],
  ['SQLITE_IOERR_WRITE', 'STORE_UNAVAILABLE', 'for want of space'],
  ['SQLITE_BUSY_SNAPSHOT', 'STORE_UNAVAILABLE', 'Another program'],
  ['SQLITE_CORRUPT_INDEX', 'WRONG_STATE', 'damaged'],
  ['SQLITE_NOTADB', 'WRONG_STATE', 'damaged'],
  ['SQLITE_CANTOPEN', 'STORE_UNAVAILABLE', 'cannot be opened'],
  ['SQLITE_READONLY_DIRECTORY', 'STORE_UNAVAILABLE', 'cannot be opened'],
  ['SQLITE_CONSTRAINT_CHECK', 'INTERNAL', 'does not know'],
])('explains %s as %s', (sqliteCode, code, words) => {
  const failure = describeFailure(new Database.SqliteError('raw text', sqliteCode), file);
  expect(failure).toMatchObject({ code, message: expect.stringContaining(words) });
  expect(failure.message).not.toContain('raw text');
  expect(toFleetError(failure)).toMatchObject({ code, cause: { message: 'SqliteError: raw text' } });
});

it.each([
  ['ENOSPC', 'STORE_UNAVAILABLE'],
  ['EACCES', 'STORE_UNAVAILABLE'],
  ['EMFILE', 'INTERNAL'],
])('explains %s of the file system as %s', (errno, code) => {
  expect(describeFailure(Object.assign(new Error('raw'), { code: errno }), file).code).toBe(code);
});

it('keeps what a FleetError says, and takes anything that was thrown', () => {
  const error = new FleetError('WRONG_STATE', 'in our words', { next: 'do this' });
  expect(toFleetError(describeFailure(error, file)).toBody()).toEqual(error.toBody());
  expect(describeFailure('thrown', file)).toMatchObject({ code: 'INTERNAL', detail: 'thrown' });
});
