import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { UserError } from '../../shared/errors.ts';
import { asWriteError } from './atomic-write.ts';

/**
 * Makes a folder and those above it; one that is there is left as it is. (Node's own `recursive` tries for ever where
 * the system answers "not found" below a folder that exists, as under /proc.)
 * Errors: `conflict` where a file has the name, those of `asWriteError`.
 */
export function makeFolder(folder: string): void {
  if (existsSync(folder)) {
    if (statSync(folder).isDirectory()) return;
    throw new UserError('conflict', `${folder} is a file, not a folder.`, {
      hint: 'Choose another name.',
      place: { file: folder },
    });
  }
  const parent = dirname(folder);
  if (parent !== folder && !existsSync(parent)) makeFolder(parent);
  try {
    mkdirSync(folder);
  } catch (error) {
    // Somebody else may have made it meanwhile.
    if (!existsSync(folder)) throw asWriteError(folder, error);
  }
}
