import { spawn } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';

const module = new URL('../../../src/main/cli/interrupt.ts', import.meta.url).href;

/** A process that goes on until its signal is aborted, and then for as long as `tail` says. */
function start(tail: number) {
  const script = `
    import { interruptible } from ${JSON.stringify(module)};
    const { signal } = interruptible((text) => console.log(text));
    const timer = setInterval(() => undefined, 1000);
    signal.addEventListener('abort', () => setTimeout(() => { clearInterval(timer); console.log('stopped in order'); }, ${tail}));
    console.log('ready');`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  let output = '';
  child.stdout?.on('data', (text: Buffer) => (output += text.toString()));
  const ended = new Promise<{ code: number | null; output: string }>((resolve) =>
    child.on('close', (code) => resolve({ code, output })),
  );
  const ready = new Promise<void>((resolve) => child.stdout?.once('data', () => resolve()));
  return { child, ready, ended };
}

test('the first Ctrl+C lets the job stop in order; copies of the same signal do not count', async () => {
  const { child, ready, ended } = start(500);
  await ready;
  child.kill('SIGINT');
  await wait(50); // signals of one kind that wait are merged
  child.kill('SIGINT');
  const { code, output } = await ended;
  expect(output.match(/Press Ctrl\+C again/g)?.length).toBe(1);
  expect(output).toContain('stopped in order');
  expect(code).toBe(0);
});

test('the copy that a launcher passes on does not count either, however late; its second one does', async () => {
  const { child, ready, ended } = start(2000);
  await ready;
  child.kill('SIGINT');
  await wait(600);
  child.send('signal');
  const { code, output } = await ended;
  expect(output.match(/Press Ctrl\+C again/g)?.length).toBe(1);
  expect([code, output]).toEqual([0, expect.stringContaining('stopped in order')]);

  const other = start(20_000);
  await other.ready;
  other.child.send('signal');
  await wait(400);
  other.child.send('signal');
  expect((await other.ended).code).toBe(130);
});

test('the second one ends the process at once with 130', async () => {
  const { child, ready, ended } = start(20_000);
  await ready;
  child.kill('SIGINT');
  await wait(400);
  child.kill('SIGINT');
  const { code, output } = await ended;
  expect(output).not.toContain('stopped in order');
  expect(code).toBe(130);
});
