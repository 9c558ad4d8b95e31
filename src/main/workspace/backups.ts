import { once } from 'node:events';
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import SqliteDatabase from 'better-sqlite3';
import { UserError } from '../../shared/errors.ts';
import type { BackupRow } from '../../shared/workspace-care.ts';
import { asWriteError } from '../files/atomic-write.ts';
import { asDatabaseError, damaged } from './sqlite-errors.ts';

export const backupFolder = 'backups';
/** An automatic backup is made where the newest copy is older. */
export const backupEvery = 24 * 60 * 60 * 1000;
/** Automatic backups that are kept. */
export const backupsKept = 5;

/** Pages at once, between which others may write: 2 MB. */
const pagesAtOnce = 512;

const names = /^workspace-(auto|manual|v\d+)-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\.db$/;

/** All copies of the database beside it, newest first. */
export function listBackups(workspaceFolder: string): readonly BackupRow[] {
  const folder = join(workspaceFolder, backupFolder);
  let found: string[];
  try {
    found = readdirSync(folder);
  } catch {
    return [];
  }
  return found
    .flatMap((name): BackupRow[] => {
      const parts = names.exec(name);
      if (parts === null) return [];
      const [, kind = '', year, month, day, hour, minute, second] = parts;
      const at = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
      const path = join(folder, name);
      const bytes = sizeOf(path);
      return [
        { name, path, bytes, at, kind: kind === 'auto' ? 'automatic' : kind === 'manual' ? 'manual' : 'migration' },
      ];
    })
    .sort((a, b) => b.at - a.at || (a.name < b.name ? 1 : -1));
}

/** 0 for a copy that is gone or may not be looked at. */
function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}

/**
 * Backups in the order in which they were made, the last one first, as far as the names tell: a time that is still to
 * come was written before a clock was set back (or by one that was wrong), and so before all others.
 */
export function byMaking(backups: readonly BackupRow[], now: number): readonly BackupRow[] {
  const early = (backup: BackupRow): boolean => backup.at > now + 60_000;
  return [...backups.filter((backup) => !early(backup)), ...backups.filter(early)];
}

/** Whether an automatic backup is due. A clock that was set back does not put it off. */
export function backupIsDue(workspaceFolder: string, now: number): boolean {
  const newest = byMaking(listBackups(workspaceFolder), now)[0]?.at;
  return newest === undefined || newest > now + 60_000 || now - newest > backupEvery;
}

/**
 * Copies the database with SQLite's backup API while it is in use, checks the copy, and only then gives it its name.
 * Of the automatic ones the newest `backupsKept` stay.
 * Errors: `cancelled`, `no_space`, `invalid_input`; nothing is left behind then, and earlier copies are untouched.
 */
export async function backUp(
  workspaceFolder: string,
  file: string,
  kind: 'automatic' | 'manual',
  now: number,
  signal?: AbortSignal,
): Promise<BackupRow> {
  const folder = join(workspaceFolder, backupFolder);
  const stamp = new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const path = join(folder, `workspace-${kind === 'automatic' ? 'auto' : 'manual'}-${stamp}.db`);
  const temporary = `${path}.tmp`;
  try {
    mkdirSync(folder, { recursive: true });
    rmSync(temporary, { force: true });
    await copyWhole(file, temporary, path, signal);
    renameSync(temporary, path);
  } catch (error) {
    for (const left of [temporary, `${temporary}-journal`]) rmSync(left, { force: true });
    throw asWriteError(path, asDatabaseError(path, error));
  }
  const automatic = byMaking(listBackups(workspaceFolder), now).filter((backup) => backup.kind === 'automatic');
  for (const old of automatic.slice(backupsKept)) rmSync(old.path, { force: true });
  return {
    name: path.slice(folder.length + 1),
    path,
    bytes: statSync(path).size,
    at: Math.floor(now / 1000) * 1000,
    kind,
  };
}

/**
 * Run in a thread of its own: copying a large database and reading the copy through take more than a second. Linux lets a
 * thread give way to main and the windows where there are few cores; elsewhere that is for whole processes.
 */
const copying = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { closeSync, fsyncSync, openSync, readlinkSync } = require('node:fs');
  if (process.platform === 'linux') {
    try {
      require('node:os').setPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), 10);
    } catch {}
  }
  const Database = require(workerData.library);
  (async () => {
    const source = new Database(workerData.file, { readonly: true });
    await source.backup(workerData.copy, { progress: () => workerData.pagesAtOnce });
    source.close();
    const database = new Database(workerData.copy);
    database.pragma('journal_mode = DELETE');
    const answer = String(database.pragma('quick_check(1)', { simple: true }));
    database.close();
    const descriptor = openSync(workerData.copy, 'r');
    fsyncSync(descriptor);
    closeSync(descriptor);
    return { answer };
  })()
    .catch(({ message, code }) => ({ message, code: String(code) }))
    .then((result) => parentPort.postMessage(result));
`;

type Copied = { readonly answer: string } | { readonly message: string; readonly code: string };

/**
 * Copies the database while it is in use (a connection of its own: the workspace's may be in the middle of a
 * transaction). Then the copy is whole, on the disk, and in one file: no log of changes lies beside it.
 */
async function copyWhole(file: string, copy: string, path: string, signal: AbortSignal | undefined): Promise<void> {
  const library = createRequire(import.meta.url).resolve('better-sqlite3');
  const worker = new Worker(copying, { eval: true, workerData: { file, copy, library, pagesAtOnce } });
  try {
    const [copied] = (await once(worker, 'message', signal === undefined ? {} : { signal })) as [Copied];
    if ('code' in copied) throw new SqliteDatabase.SqliteError(copied.message, copied.code);
    if (copied.answer !== 'ok') throw damaged(path, copied.answer);
  } catch (error) {
    if (signal?.aborted === true) throw new UserError('cancelled', 'The backup was stopped.');
    throw error;
  } finally {
    await worker.terminate();
  }
}

export function sync(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
