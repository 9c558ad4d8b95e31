import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { applicationFolder } from '../files/application-folder.ts';

const packageFolder = applicationFolder();
let known: string | undefined;

/** Longhand's version, with the commit where it runs from its own checkout: `0.1.0`, `0.1.0+1f655af-dirty`. */
export function codeVersion(): string {
  known ??= read();
  return known;
}

function read(): string {
  const file = readFileSync(join(packageFolder, 'package.json'), 'utf8');
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(file));
  // Without its own .git the folder may lie in somebody else's repository.
  if (!existsSync(join(packageFolder, '.git'))) return version;
  // Only reading: `git describe --dirty` would write the index, and a process killed meanwhile would leave its lock.
  const git = (...args: string[]): string =>
    execFileSync('git', ['--no-optional-locks', ...args], {
      cwd: packageFolder,
      stdio: ['ignore', 'pipe', 'ignore'],
      encoding: 'utf8',
    }).trim();
  try {
    const dirty = git('status', '--porcelain', '--untracked-files=no') !== '';
    return `${version}+${git('rev-parse', '--short', 'HEAD')}${dirty ? '-dirty' : ''}`;
  } catch {
    return version; // no git on this machine
  }
}
