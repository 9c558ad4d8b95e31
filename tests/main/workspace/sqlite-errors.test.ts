import SqliteDatabase from 'better-sqlite3';
import { expect, test } from 'vitest';
import { asDatabaseError } from '../../../src/main/workspace/sqlite-errors.ts';

test.each([
  ['SQLITE_FULL', 'database or disk is full', 'no_space'],
  ['SQLITE_IOERR_SHMSIZE', 'disk I/O error', 'no_space'], // what a reader meets on a full disk
  ['SQLITE_IOERR_READ', 'disk I/O error', 'invalid_input'],
  ['SQLITE_NOTADB', 'file is not a database', 'invalid_input'],
  ['SQLITE_BUSY', 'database is locked', 'conflict'],
])('%s becomes a sentence with the code %s, %s', (sqlite, message, code) => {
  const error = asDatabaseError('work.db', new SqliteDatabase.SqliteError(message, sqlite));
  expect(error).toMatchObject({ code, place: { file: 'work.db' } });
});

test('a broken constraint is a defect and stays what it is', () => {
  const error = new SqliteDatabase.SqliteError('UNIQUE constraint failed', 'SQLITE_CONSTRAINT_UNIQUE');
  expect(asDatabaseError('work.db', error)).toBe(error);
});
