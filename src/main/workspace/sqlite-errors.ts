import SqliteDatabase from 'better-sqlite3';
import { UserError } from '../../shared/errors.ts';

const { SqliteError } = SqliteDatabase;

/**
 * The sentence for what SQLite reports about the disk or the file, naming the file; anything else (a broken
 * constraint, say) is a defect and comes back as it is.
 */
export function asDatabaseError(file: string, error: unknown): unknown {
  if (!(error instanceof SqliteError)) return error;
  const options = (hint: string) => ({ hint, place: { file }, cause: error });
  const family = error.code.split('_').slice(0, 2).join('_');
  // SHMSIZE: the file that readers and writers share could not grow.
  if (
    family === 'SQLITE_FULL' ||
    error.code === 'SQLITE_IOERR_SHMSIZE' ||
    (family === 'SQLITE_IOERR' && error.message.includes('full'))
  ) {
    return new UserError(
      'no_space',
      `The disk is full: ${file} could not be written.`,
      options('Free some space on that disk and try again; what was saved before is intact.'),
    );
  }
  if (family === 'SQLITE_CORRUPT' || family === 'SQLITE_NOTADB') return damaged(file, error.message, error);
  if (family === 'SQLITE_READONLY' || family === 'SQLITE_CANTOPEN' || family === 'SQLITE_PERM') {
    return new UserError(
      'invalid_input',
      `${file} cannot be opened for writing (${error.message}).`,
      options('Check the permissions of the folder, or copy the workspace to a place where you may write.'),
    );
  }
  if (family === 'SQLITE_BUSY' || family === 'SQLITE_LOCKED') {
    return new UserError(
      'conflict',
      `${file} is in use by another program.`,
      options('Close the other program and try again.'),
    );
  }
  if (family === 'SQLITE_IOERR') {
    return new UserError(
      'invalid_input',
      `${file} could not be read or written (${error.message}, ${error.code}).`,
      options('Check the disk; what was saved before is intact as far as the disk is.'),
    );
  }
  return error;
}

/** A database whose content is broken. */
export class DamagedDatabase extends UserError {}

/** The error for a database whose content is broken. */
export function damaged(file: string, problem: string, cause?: unknown): DamagedDatabase {
  return new DamagedDatabase('invalid_input', `The workspace database ${file} is damaged: ${problem}.`, {
    hint: 'Put back a copy of the workspace, such as one from its backups folder; the damaged file was not changed.',
    place: { file },
    cause,
  });
}

/** Runs `action` and turns what SQLite throws into `asDatabaseError`. */
export function withDatabaseErrors<T>(file: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw asDatabaseError(file, error);
  }
}

type Call = (...parameters: never[]) => unknown;
type Guarded<Repository extends Record<string, Call>> = {
  readonly [Name in keyof Repository]: (...parameters: Parameters<Repository[Name]>) => ReturnType<Repository[Name]>;
};

/** The same repository with every function's SQLite errors turned into `asDatabaseError`. */
export function guarded<Repository extends Record<string, Call>>(
  file: string,
  repository: Repository,
): Guarded<Repository> {
  const entries = Object.entries(repository).map(([name, call]): [string, Call] => [
    name,
    (...parameters) => withDatabaseErrors(file, () => call(...parameters)),
  ]);
  return Object.fromEntries(entries) as Guarded<Repository>;
}
