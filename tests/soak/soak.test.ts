import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

// The short form of `npm run test:soak`.
test('the memory stays flat over verdicts, a live run, evaluations and page calls', { timeout: 120_000 }, async () => {
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', main, '--cycles', '100']);
  expect(stdout).toMatch(/1000 verdicts, 15000 metric rows, 10 evaluations: heap/);
});
