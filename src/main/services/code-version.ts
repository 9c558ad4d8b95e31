import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const packageFile = fileURLToPath(new URL('../../../package.json', import.meta.url));
let known: string | undefined;

/** Longhand's version, with the commit where it runs from a checkout: `0.1.0` or `0.1.0+1f655af`. */
export function codeVersion(): string {
  known ??= read();
  return known;
}

function read(): string {
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(packageFile, 'utf8')));
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', args, {
        cwd: dirname(packageFile),
        stdio: ['ignore', 'pipe', 'ignore'],
        encoding: 'utf8',
      }).trim();
    return `${version}+${git('rev-parse', '--short', 'HEAD')}`;
  } catch {
    return version; // an installed copy, or no git
  }
}
