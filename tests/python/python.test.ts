import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { pythonOrSkipReason, runPython } from './python.ts';

it('finds a Python that has the packages of requirements.txt', async (context) => {
  const env = pythonOrSkipReason();
  if ('reason' in env) return context.skip(env.reason);
  const versions: unknown = JSON.parse(await runPython('versions.py'));
  const pinned = readFileSync(join(import.meta.dirname, 'requirements.txt'), 'utf8').matchAll(/^(\w+)==/gm);
  expect(Object.keys(versions as object).sort()).toEqual([...pinned].map(([, name]) => name).sort());
});

it('reports the error output of a script that fails', async (context) => {
  const env = pythonOrSkipReason();
  if ('reason' in env) return context.skip(env.reason);
  await expect(runPython('no-such-script.py')).rejects.toThrow(/no-such-script\.py failed[\s\S]*No such file/);
});
