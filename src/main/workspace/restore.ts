import { copyFileSync, existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { UserError } from '../../shared/errors.ts';
import type { RestoreReport } from '../../shared/workspace-care.ts';
import { asWriteError } from '../files/atomic-write.ts';
import { byMaking, listBackups, sync } from './backups.ts';
import { lockWorkspace } from './lock.ts';
import { damaged } from './sqlite-errors.ts';

/**
 * Puts a copy from the workspace's `backups` in the place of its database. The database that was there is kept beside it
 * under another name, with its log.
 *
 * @param name of the copy; left out: the newest one
 * Errors: `not_found`, `invalid_input` where the copy is damaged itself, `conflict` where the workspace is open.
 */
export function restoreBackup(folder: string, file: string, name: string | undefined, now: number): RestoreReport {
  const backups = byMaking(listBackups(folder), now);
  const backup = name === undefined ? backups[0] : backups.find((candidate) => candidate.name === name);
  if (backup === undefined) {
    const what = name === undefined ? 'no copy of the database' : `no copy ${name}`;
    throw new UserError('not_found', `The workspace ${folder} has ${what} in its folder backups.`, {
      hint:
        backups.length === 0
          ? 'Put back a copy of the whole folder.'
          : `There are: ${backups.map((b) => b.name).join(', ')}.`,
      place: { file: folder },
    });
  }
  const lock = lockWorkspace(folder, 'Longhand (restoring)', now);
  const temporary = join(folder, '.workspace-restore.tmp');
  try {
    rmSync(temporary, { force: true });
    copyFileSync(backup.path, temporary);
    const copy = new SqliteDatabase(temporary, { readonly: true });
    try {
      const answer = String(copy.pragma('integrity_check(1)', { simple: true }));
      if (answer !== 'ok') throw damaged(backup.path, answer);
    } finally {
      copy.close();
    }
    sync(temporary);
    const kept = existsSync(file)
      ? join(folder, `workspace-replaced-${new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, '')}.db`)
      : null;
    if (kept !== null) {
      // The log first: it must never lie beside another database.
      for (const end of ['-wal', '-shm']) if (existsSync(file + end)) renameSync(file + end, kept + end);
      renameSync(file, kept);
    }
    renameSync(temporary, file);
    if (process.platform !== 'win32') sync(folder);
    return { restored: backup.path, kept };
  } catch (error) {
    rmSync(temporary, { force: true });
    throw asWriteError(file, error);
  } finally {
    lock.release();
  }
}
