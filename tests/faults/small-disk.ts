import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system of its own that can be filled and emptied. */
export interface SmallDisk {
  readonly folder: string;
  /** Fills it until about `room` bytes are left. */
  fill(room: number): void;
  /** Gives the room back. */
  free(): void;
  /** Allows reading only. */
  lockUp(): void;
  close(): void;
}

/** Why no small disk can be had here (it needs root on Linux); undefined where it can. */
export function refusedDisk(): string | undefined {
  if (process.platform !== 'linux') return 'a small file system is mounted on Linux alone';
  try {
    smallDisk(1).close();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Mounts a small tmpfs. Throws where that is refused. */
export function smallDisk(mebibytes: number): SmallDisk {
  const mounted = mkdtempSync(join(tmpdir(), 'longhand-disk-'));
  const answer = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'longhand-faults', mounted]);
  if (answer.status !== 0) {
    rmSync(mounted, { recursive: true });
    const said = answer.error?.message ?? answer.stderr.toString().trim().split('\n')[0] ?? '';
    throw new Error(`mounting a small disk is refused: ${said.replace(mounted, 'it')}`);
  }
  const folder = join(mounted, 'full 漢字 disk');
  mkdirSync(folder);
  const filler = join(mounted, 'filler');
  return {
    folder,
    fill: (room) => {
      const { bavail, bsize } = statfsSync(mounted);
      const bytes = Math.max(0, bavail * bsize - room);
      const file = openSync(filler, 'a');
      try {
        for (let left = bytes; left > 0;) left -= writeSync(file, Buffer.alloc(Math.min(left, 2 ** 20)));
      } catch (error) {
        // Somebody else has written meanwhile: full is full.
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(filler, { force: true }),
    lockUp: () => {
      const { status, stderr } = spawnSync('mount', ['-o', 'remount,ro', mounted]);
      if (status !== 0) throw new Error(`remount: ${stderr.toString()}`);
    },
    close: () => {
      // Lazily: a process that has just ended may hold a file for a moment longer.
      spawnSync('umount', ['-l', mounted]);
      rmSync(mounted, { recursive: true, force: true });
    },
  };
}
