import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Folder of the CUDA provider and its libraries: `$LONGHAND_CUDA`, else a folder of the user's data, which a packaged
 * application can write to and several checkouts share (docs/decisions/0009-cuda-libraries.md).
 */
export function cudaFolder(env: NodeJS.ProcessEnv = process.env): string {
  const named = env['LONGHAND_CUDA'];
  if (named !== undefined && named !== '') return named;
  const data = env['XDG_DATA_HOME'];
  return join(data === undefined || data === '' ? join(homedir(), '.local', 'share') : data, 'longhand', 'cuda');
}

/** Libraries of the CUDA folder. */
export function libraryFolder(folder: string): string {
  return join(folder, 'lib');
}

/** Says which versions are installed. */
export function installedFile(folder: string): string {
  return join(folder, 'installed.json');
}
