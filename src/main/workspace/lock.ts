import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { z } from 'zod';
import { UserError } from '../../shared/errors.ts';
import { asWriteError } from '../files/atomic-write.ts';
import { asDatabaseError } from './sqlite-errors.ts';

export const lockFileNames = ['lock.db', 'lock.db-journal', 'lock.json'] as const;

const ownerSchema = z.object({ pid: z.int(), host: z.string(), program: z.string(), since: z.int() });
/** Who holds a workspace. */
export type LockOwner = z.infer<typeof ownerSchema>;

export interface WorkspaceLock {
  /** The owner that never released the lock (it crashed or was killed), if there was one. */
  readonly abandonedBy: LockOwner | 'unknown' | null;
  release(): void;
}

/**
 * Takes the right to write in the workspace folder `dir`, for one process at a time. The lock itself is the operating
 * system's file lock under an open SQLite transaction on `lock.db`: it ends with the process, however that ends, so a
 * stale lock cannot exist. `lock.json` beside it only says who holds it; if it is still there when the lock is free,
 * its owner did not end in order.
 * Errors: `conflict` naming the other process and since when; `invalid_input` where the folder cannot be written.
 */
export function lockWorkspace(dir: string, program: string, now: number): WorkspaceLock {
  const file = join(dir, 'lock.db');
  const ownerFile = join(dir, 'lock.json');
  let lock: SqliteDatabase.Database | undefined;
  try {
    lock = new SqliteDatabase(file, { timeout: 100 });
    lock.exec('BEGIN IMMEDIATE');
  } catch (error) {
    lock?.close();
    if (error instanceof SqliteDatabase.SqliteError && error.code.startsWith('SQLITE_BUSY')) {
      throw inUse(dir, readOwner(ownerFile));
    }
    throw asDatabaseError(file, error);
  }
  const held = lock;
  const abandonedBy = readOwner(ownerFile);
  try {
    const owner: LockOwner = { pid: process.pid, host: hostname(), program, since: now };
    // Not atomic on purpose: it is read for a message only, and a torn one reads as "unknown".
    writeFileSync(ownerFile, `${JSON.stringify(owner)}\n`);
  } catch (error) {
    held.close();
    throw asWriteError(ownerFile, error);
  }
  return {
    abandonedBy,
    release: () => {
      rmSync(ownerFile, { force: true });
      held.close();
    },
  };
}

function readOwner(ownerFile: string): LockOwner | 'unknown' | null {
  let text: string;
  try {
    text = readFileSync(ownerFile, 'utf8');
  } catch {
    return null;
  }
  try {
    return ownerSchema.parse(JSON.parse(text));
  } catch {
    return 'unknown';
  }
}

function inUse(dir: string, owner: LockOwner | 'unknown' | null): UserError {
  const who =
    owner === null || owner === 'unknown'
      ? 'another process'
      : `${owner.program} (process ${owner.pid} on ${owner.host}, since ${new Date(owner.since).toISOString()})`;
  return new UserError('conflict', `The workspace ${dir} is in use by ${who}.`, {
    hint: 'Close it there first; reading while it runs is possible.',
    place: { file: dir },
  });
}
