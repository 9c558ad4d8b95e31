import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The folder that Longhand's own files lie in (package.json, resources): the checkout, or the packaged application.
 * It is looked for upwards, since the bundles lie at another depth than the sources.
 *
 * @param from a folder inside
 */
export function applicationFolder(from: string = import.meta.dirname): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json')) && existsSync(join(folder, 'resources', 'demo'))) return folder;
    if (dirname(folder) === folder) throw new Error(`${from} is not inside Longhand's folder`);
  }
}
