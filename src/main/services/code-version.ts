import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const packageFolder = fileURLToPath(new URL('../../../', import.meta.url));
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
  try {
    const commit = execFileSync('git', ['describe', '--always', '--dirty', '--exclude', '*'], {
      cwd: packageFolder,
      stdio: ['ignore', 'pipe', 'ignore'],
      encoding: 'utf8',
    });
    return `${version}+${commit.trim()}`;
  } catch {
    return version; // no git on this machine
  }
}
