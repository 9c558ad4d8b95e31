// Makes the Python environment of the interoperability tests: a venv under .cache/python with pinned packages.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const requirements = join(root, 'tests', 'python', 'requirements.txt');
const folder = join(root, '.cache', 'python');
const stamp = join(folder, 'requirements.sha256');

/** The interpreter of the environment, whether it exists or not. */
export const environmentPython = join(
  folder,
  ...(process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python']),
);

function requirementsHash(): string {
  return createHash('sha256').update(readFileSync(requirements)).digest('hex');
}

/** Whether the environment was made to the end, with the present requirements. */
export function environmentReady(): boolean {
  return existsSync(environmentPython) && existsSync(stamp) && readFileSync(stamp, 'utf8') === requirementsHash();
}

/**
 * Makes the environment unless it is there with the same requirements.
 *
 * @returns 0 when it is ready, 1 when it could not be made (a sentence says why); the tests then skip what needs it
 */
export function makePythonEnvironment(): number {
  if (environmentReady()) {
    console.log('The Python environment of the interoperability tests is ready.');
    return 0;
  }
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true });
  const steps: readonly [program: string, args: readonly string[]][] = [
    [process.platform === 'win32' ? 'python' : 'python3', ['-m', 'venv', folder]],
    [environmentPython, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements]],
  ];
  for (const [program, args] of steps) {
    console.log(`> ${[program, ...args].join(' ')}`);
    const { status, error } = spawnSync(program, args, { stdio: 'inherit' });
    if (error !== undefined || status !== 0) {
      console.error(
        `The Python environment could not be made (${error?.message ?? `exit code ${String(status)}`}); ` +
          'interoperability tests will be skipped. It needs Python 3.11 or newer with venv, and access to PyPI.',
      );
      return 1;
    }
  }
  writeFileSync(stamp, requirementsHash());
  return 0;
}
