import { UserError } from '../../shared/errors.ts';
import type { ErrorCode } from '../../shared/errors.ts';

/** What the system refuses about a path: the kind of error, how the sentence goes on after the path, and what to do. */
const refusals: Readonly<Record<string, readonly [ErrorCode, string, string]>> = {
  EACCES: ['invalid_input', 'may not be read or written', 'Change its permissions, or choose another place.'],
  EPERM: ['invalid_input', 'may not be read or written', 'Change its permissions, or choose another place.'],
  EROFS: ['invalid_input', 'is on a disk that allows reading only', 'Choose another place.'],
  ENAMETOOLONG: ['invalid_input', 'has a longer name than the disk allows', 'Choose a shorter name.'],
  ENOTDIR: ['not_found', 'does not exist: a part of it is a file, not a folder', 'Check the path.'],
  ELOOP: ['invalid_input', 'is a link that leads back to itself', 'Name the file itself.'],
  ENOSPC: ['no_space', 'could not be written: the disk is full', 'Free some space on that disk and try again.'],
  EDQUOT: ['no_space', 'could not be written: the disk is full', 'Free some space on that disk and try again.'],
  EIO: ['invalid_input', 'could not be read or written: the disk reports a fault', 'Check the disk.'],
};

/**
 * The sentence for an error of the operating system that speaks of a path and is nobody's defect; other errors come back
 * as they are. The last net, where nothing nearer to the call has said more.
 */
export function asSystemError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof UserError) return error;
  const { code, path, dest } = error as NodeJS.ErrnoException & { readonly dest?: string };
  const refusal = code === undefined ? undefined : refusals[code];
  if (refusal === undefined || path === undefined) return error;
  const file = dest ?? path;
  const shown = file.length > 200 ? `${file.slice(0, 80)}…${file.slice(-40)}` : file;
  const [kind, problem, hint] = refusal;
  return new UserError(kind, `${shown} ${problem}.`, { hint, place: { file }, cause: error });
}
