import { copyFileSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { longhand, root, start } from './longhand.ts';

const demo = join(root, 'resources', 'demo');
const model = join(demo, 'base-model');

let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'longhand-stop-'));
  copyFileSync(join(demo, 'documents', 'train', 'harbour-001.txt'), join(folder, 'harbour.txt'));
  // Enough work that the stop comes before its end.
  cpSync(join(demo, 'documents', 'train'), join(folder, 'many'), { recursive: true });
  writeFileSync(join(folder, 'short.txt'), 'Tom.');
  expect((await longhand(['import', 'many'], { cwd: folder })).code).toBe(0);
  expect((await longhand(['import', 'short.txt', '--workspace', 'short'], { cwd: folder })).code).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a stop while the engine starts or runs ends with 130 and one clear line', () => {
  // From before the engine's process exists to while it works.
  const delays = [0, 60, 120, 300, 600];
  test.each((['SIGINT', 'SIGTERM'] as const).flatMap((signal) => delays.map((delay) => [signal, delay] as const)))(
    '%s to the whole group after %d ms',
    async (signal, delay) => {
      const running = start(['generate', '--model', model, '--preset', 'paper', '--threads', '1'], { cwd: folder });
      await running.said('Workspace: ');
      await wait(delay);
      if (running.child.pid === undefined) throw new Error('the command did not start');
      process.kill(-running.child.pid, signal);
      const { code, stderr } = await running.ended;
      expect([code, stderr.match(/^error: .*/gm)]).toEqual([130, [expect.stringMatching(/stopped/)]]);
    },
  );

  test.each(
    (['SIGINT', 'SIGTERM'] as const).flatMap((signal) => [0, 80, 160].map((delay) => [signal, delay] as const)),
  )('%s to an import after %d ms', async (signal, delay) => {
    const workspace = `import-${signal}-${delay}`;
    const running = start(['import', 'harbour.txt', '--workspace', workspace], { cwd: folder });
    await running.said('Workspace: ');
    await wait(delay);
    if (running.child.pid === undefined) throw new Error('the command did not start');
    try {
      process.kill(-running.child.pid, signal);
    } catch {
      // it was faster than the signal
    }
    const { code, stderr } = await running.ended;
    // A stop at the very end meets work that is done, which is no error; 130 always says why, once.
    expect([0, 130]).toContain(code);
    const lines = stderr.match(/^error: .*/gm) ?? [];
    expect(lines).toEqual(code === 130 ? [expect.stringMatching(/cancelled|stopped/)] : []);
    expect(existsSync(join(folder, workspace))).toBe(code === 0);
  });
});

test('a model folder with a broken tokenizer is wrong input, with a hint', async () => {
  const broken = join(folder, 'broken-model');
  cpSync(model, broken, { recursive: true });
  writeFileSync(join(broken, 'tokenizer.json'), '{');
  for (const args of [
    ['model', 'inspect', broken],
    ['generate', '--model', broken],
  ]) {
    const { code, stderr } = await longhand(args, { cwd: folder });
    expect([code, stderr]).toEqual([2, expect.stringMatching(/tokenizer\.json[^]*what to do: Correct the file in /)]);
  }
});

test('a generation that made nothing says why and ends with 2', async () => {
  const chunks = ['--chunking-short', 'drop', '--chunking-min-tokens', '400', '--chunking-max-tokens', '500'];
  const args = ['generate', '--model', model, '--preset', 'demo', ...chunks, '--threads', '1', '--workspace', 'short'];
  const { code, stdout, stderr } = await longhand([...args, '--json=made.json'], { cwd: folder });
  expect(stderr).toMatch(/error: The generation made no pairs: left out because of short_chunk 1\./);
  expect(stderr).toContain('what to do: ');
  expect(stdout).toMatch(/pairs: +0,/);
  expect(code).toBe(2);
  expect(JSON.parse(readFileSync(join(folder, 'made.json'), 'utf8'))).toMatchObject({ counts: { pairs: 0 } });
});
