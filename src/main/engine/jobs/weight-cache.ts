import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Folder of weights that were converted on this machine: `$LONGHAND_WEIGHTS`, else a folder of the user's cache. What is in
 * it can be deleted; it is made again.
 */
export function weightCacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const named = env['LONGHAND_WEIGHTS'];
  if (named !== undefined && named !== '') return named;
  const cache = env['XDG_CACHE_HOME'];
  return join(cache === undefined || cache === '' ? join(homedir(), '.cache') : cache, 'longhand', 'weights');
}
