import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { UserError } from '../../shared/errors.ts';
import type { CompactReport } from '../../shared/workspace-care.ts';
import { asWriteError } from '../files/atomic-write.ts';
import { sync } from './backups.ts';
import { lockWorkspace } from './lock.ts';
import { asDatabaseError, damaged } from './sqlite-errors.ts';

/**
 * Writes a database anew without the room that removed and changed rows have left (VACUUM INTO), checks the new file and
 * puts it in the place of the old one. The workspace must not be open, here or elsewhere; a crash at any point leaves the
 * old file or the new one, each whole.
 * Errors: `conflict` where it is open, `no_space` (it needs as much again), `invalid_input` where it is damaged.
 */
export function compactDatabase(folder: string, file: string, now: number): CompactReport {
  const lock = lockWorkspace(folder, 'Longhand (compacting)', now);
  const temporary = join(folder, '.workspace-compact.tmp');
  try {
    rmSync(temporary, { force: true });
    const bytesBefore = statSync(file).size;
    const database = new SqliteDatabase(file, { timeout: 2000 });
    try {
      const [state] = database.pragma('wal_checkpoint(TRUNCATE)') as { readonly busy: number }[];
      if (state?.busy !== 0) throw inUse(folder);
      database.prepare('VACUUM INTO ?').run(temporary);
    } finally {
      database.close();
    }
    // The last connection takes its log away; one that is still there belongs to a reader, and to the old file.
    if (existsSync(`${file}-wal`)) throw inUse(folder);
    const copy = new SqliteDatabase(temporary, { readonly: true });
    try {
      const answer = String(copy.pragma('integrity_check(1)', { simple: true }));
      if (answer !== 'ok') throw damaged(file, answer);
    } finally {
      copy.close();
    }
    sync(temporary);
    renameSync(temporary, file);
    if (process.platform !== 'win32') sync(folder);
    return { bytesBefore, bytesAfter: statSync(file).size };
  } catch (error) {
    rmSync(temporary, { force: true });
    throw asWriteError(file, asDatabaseError(file, error));
  } finally {
    lock.release();
  }
}

function inUse(folder: string): UserError {
  return new UserError('conflict', `The workspace ${folder} is being read by another program.`, {
    hint: 'Close it there first.',
    place: { file: folder },
  });
}
