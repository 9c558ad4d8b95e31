import { closeSync, mkdirSync, openSync, readSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { UserError } from '../../shared/errors.ts';
import type { Migration } from './migrations/migration.ts';
import { asDatabaseError, damaged, withDatabaseErrors } from './sqlite-errors.ts';

export type Database = SqliteDatabase.Database;

/** Marks the file as Longhand's ("Lhnd"); file managers and `file` read it too. */
export const applicationId = 0x4c686e64;

/** Up to this size the whole file is checked at every opening; beyond it only after an end out of order. */
export const alwaysCheckedBytes = 256 * 1024 * 1024;

export interface DatabaseOptions {
  readonly readOnly: boolean;
  /** The last process did not end in order: check the whole file, whatever its size. */
  readonly suspicious: boolean;
  /** The file was found whole a moment ago (`foundWhole`). */
  readonly checked?: boolean;
  readonly migrations: readonly Migration[];
  /** For the name of the copy that is kept before a migration. */
  readonly now: number;
}

/**
 * Opens (or creates) the database file, checks it and brings it to the newest version. Before each migration of an
 * existing database a copy is kept in `backups/` beside it; a migration runs in one transaction, all or nothing.
 * WAL with synchronous FULL: when a call returns, its rows survive a crash and a power cut.
 * Errors: `conflict` for a database of a newer Longhand (left untouched), `invalid_input` for a file that is damaged,
 * no Longhand database or not writable, `no_space`.
 */
export function openDatabase(file: string, options: DatabaseOptions): Database {
  let database: Database | undefined;
  try {
    const opened = new SqliteDatabase(file, { readonly: options.readOnly, timeout: 2000 });
    database = opened;
    opened.pragma('foreign_keys = ON');
    opened.pragma('synchronous = FULL');
    const look = statSync(file).size <= alwaysCheckedBytes || options.suspicious;
    if (look && options.checked !== true) checkIntegrity(opened, file);
    const id = numberPragma(opened, 'application_id');
    requireKnownVersion(file, id, numberPragma(opened, 'user_version'), options);
    // A database of ours has its mark or nothing at all: the first migration writes both in one transaction.
    if (id === 0 && opened.prepare('SELECT 1 FROM sqlite_master LIMIT 1').get() !== undefined) throw foreign(file);
    if (options.readOnly) requireNewestVersion(opened, file, options);
    else {
      opened.pragma('journal_mode = WAL');
      migrate(opened, file, options);
    }
    return opened;
  } catch (error) {
    database?.close();
    throw asDatabaseError(file, error);
  }
}

/**
 * Looks at the first bytes of a database without opening it as one, so that a file that is not ours or too new stays
 * exactly as it is. Must not be called while this process has the same file open: closing a file drops the process's locks on it.
 */
export function inspectDatabaseFile(file: string, options: Pick<DatabaseOptions, 'migrations'>): void {
  const header = Buffer.alloc(100);
  const descriptor = openSync(file, 'r');
  try {
    if (readSync(descriptor, header) === 0) return; // created and not yet filled: the first migration is still to come
  } finally {
    closeSync(descriptor);
  }
  if (header.toString('latin1', 0, 16) !== 'SQLite format 3\0')
    throw damaged(file, 'it does not start like a database');
  // https://www.sqlite.org/fileformat.html#the_database_header
  requireKnownVersion(file, header.readUInt32BE(68), header.readInt32BE(60), options);
}

function requireKnownVersion(
  file: string,
  id: number,
  version: number,
  options: Pick<DatabaseOptions, 'migrations'>,
): void {
  if (id === 0 && version === 0) return;
  if (id !== applicationId) {
    throw foreign(file);
  }
  const newest = newestVersion(options.migrations);
  if (version > newest) {
    throw new UserError(
      'conflict',
      `The workspace was made by a newer Longhand: ${file} has version ${version}, this one reads up to ${newest}.`,
      { hint: 'Install the newer Longhand; the workspace was not changed.', place: { file } },
    );
  }
}

function foreign(file: string): UserError {
  return new UserError('invalid_input', `${file} is a database of another program, not a Longhand workspace.`, {
    hint: 'Choose the folder of a workspace, or an empty folder for a new one.',
    place: { file },
  });
}

function requireNewestVersion(database: Database, file: string, options: DatabaseOptions): void {
  const version = numberPragma(database, 'user_version');
  if (version === newestVersion(options.migrations)) return;
  throw new UserError('conflict', `${file} is of an older version (${version}) and must be brought up to date first.`, {
    hint: 'Open the workspace once for writing.',
    place: { file },
  });
}

function newestVersion(migrations: readonly Migration[]): number {
  return migrations.at(-1)?.version ?? 0;
}

function checkIntegrity(database: Database, file: string): void {
  const [first] = database.pragma('quick_check(1)') as { quick_check: string }[];
  if (first?.quick_check !== 'ok') throw damaged(file, first?.quick_check.replaceAll('\n', ' ') ?? 'no answer');
}

function migrate(database: Database, file: string, options: DatabaseOptions): void {
  const start = numberPragma(database, 'user_version');
  for (const migration of options.migrations) {
    if (migration.version <= start) continue;
    const from = numberPragma(database, 'user_version');
    if (migration.version !== from + 1) throw new Error(`migration ${migration.version} does not follow ${from}`);
    // A database that is only being made has nothing to keep.
    if (start > 0) keepCopy(database, file, from, options.now);
    database.transaction(() => {
      database.exec(migration.sql);
      database.pragma(`application_id = ${applicationId}`);
      database.pragma(`user_version = ${migration.version}`);
    })();
  }
}

function keepCopy(database: Database, file: string, version: number, now: number): void {
  const folder = join(dirname(file), 'backups');
  const stamp = new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const copy = join(folder, `workspace-v${version}-${stamp}.db`);
  const temporary = `${copy}.tmp`;
  mkdirSync(folder, { recursive: true });
  rmSync(temporary, { force: true });
  try {
    withDatabaseErrors(copy, () => database.prepare('VACUUM INTO ?').run(temporary));
    renameSync(temporary, copy);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function numberPragma(database: Database, name: string): number {
  return database.pragma(name, { simple: true }) as number;
}
