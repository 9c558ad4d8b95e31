import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UserError } from '../../shared/errors.ts';

/** Appends one piece to the file; await it before the next call. */
export type WritePiece = (piece: Uint8Array | string) => Promise<void>;

/**
 * Writes a whole file so that a reader sees the old content or the new one, never a part, also after a crash:
 * temporary name in the same folder, fsync, rename over `path`, fsync of the folder. Strings are written as UTF-8.
 * On failure the temporary file is removed and `path` is as it was.
 * Errors: `no_space` where the disk is full, `not_found` for a missing folder, `invalid_input` where writing is not
 * allowed; each names `path`.
 */
export async function writeFileAtomic(path: string, data: Uint8Array | string): Promise<void> {
  await writeFileAtomicStream(path, (write) => write(data));
}

/**
 * Like `writeFileAtomic` for content that is made piece by piece. `produce` calls `write` one piece at a time; if it
 * throws, nothing is left behind and its error is passed on.
 */
export async function writeFileAtomicStream(
  path: string,
  produce: (write: WritePiece) => Promise<void>,
): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.longhand-${randomBytes(8).toString('hex')}.tmp`);
  const attempt = <T>(action: Promise<T>): Promise<T> =>
    action.catch((error: unknown) => {
      throw asWriteError(path, error);
    });

  const file = await attempt(open(temporary, 'wx'));
  try {
    try {
      await produce((piece) => attempt(file.writeFile(piece)));
      await attempt(file.sync());
    } finally {
      await file.close();
    }
    await attempt(rename(temporary, path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await attempt(syncFolder(folder));
}

/** Makes a rename in `folder` durable. Windows has no such call and orders renames itself. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle: FileHandle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The sentence for a failed write to `path`; what is not about the disk or the folder is returned as it is. */
export function asWriteError(path: string, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const options = (hint: string) => ({ hint, place: { file: path }, cause: error });
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new UserError(
        'no_space',
        `The disk is full: ${path} could not be written.`,
        options('Free some space on that disk and try again; what was there before is unchanged.'),
      );
    case 'ENOENT':
    case 'ENOTDIR':
      return new UserError(
        'not_found',
        `${path} could not be written: its folder does not exist.`,
        options('Create the folder first or choose another one.'),
      );
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'EISDIR':
      return new UserError(
        'invalid_input',
        `${path} could not be written: ${code === 'EISDIR' ? 'it is a folder' : 'writing there is not allowed'}.`,
        options('Choose another place or change the permissions of the folder.'),
      );
    default:
      return error;
  }
}
