import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { runGolden, selfTest } from '../../../src/main/services/checks.ts';
import { EngineClient } from '../../../src/main/services/engine-client.ts';
import { inspectModel } from '../../../src/main/services/models.ts';
import { demoModel, tinyModel } from './fixtures.ts';

const engines: EngineClient[] = [];
const start = (options?: { graceMilliseconds: number }): EngineClient => {
  const engine = new EngineClient(options);
  engines.push(engine);
  return engine;
};
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.kill();
});

const documentIds = [1, 2, 3];
const count = (engine: EngineClient, readDocument: (id: number) => Promise<{ text: string }>, signal?: AbortSignal) =>
  engine.run(
    'countTokens',
    { modelDir: demoModel, documentIds },
    { readDocument: ({ id }) => readDocument(id), counted: () => undefined },
    { signal },
  );
const never = () => new Promise<never>(() => undefined);

test('jobs run one after another in one process, which is kept', async () => {
  const engine = start();
  const asked: number[] = [];
  const read = async (id: number) => {
    asked.push(id);
    return { text: 'Mara sells flour.' };
  };
  const results = await Promise.all([
    count(engine, read),
    inspectModel(engine, tinyModel('qwen3')),
    count(engine, read),
  ]);
  expect(asked).toEqual([1, 2, 3, 1, 2, 3]);
  expect(results[1]).toMatchObject({ architecture: 'qwen3', problems: [] });
  const { pid } = engine;
  await count(engine, read);
  expect(engine.pid).toBe(pid);
  expect(engine.usage?.peakBytes).toBeGreaterThan(10e6);
});

test('a crash becomes a clear error and the next job gets a new process', async () => {
  const engine = start();
  const crashed = count(engine, async () => {
    process.kill(engine.pid ?? 0, 'SIGKILL');
    return never();
  });
  const next = count(engine, async () => ({ text: 'x' }));
  await expect(crashed).rejects.toMatchObject({
    code: 'internal',
    message: 'The engine process ended unexpectedly (signal SIGKILL) during countTokens.',
    hint: expect.stringContaining('continued') as string,
  });
  await expect(next).resolves.toEqual({ counted: 3 });
});

test("a handler's error ends the job and is thrown as it is; the engine's errors keep code, hint and place", async () => {
  const engine = start();
  const failure = new Error('the disk is full');
  await expect(count(engine, () => Promise.reject(failure))).rejects.toBe(failure);
  const missing = inspectModel(engine, '/nowhere');
  await expect(missing).rejects.toMatchObject({
    name: 'UserError',
    code: 'not_found',
    place: { file: '/nowhere/config.json' },
  });
  await expect(count(engine, async () => ({ text: 'x' }))).resolves.toEqual({ counted: 3 });
});

test('a job is cancelled between its steps, or with its process when it does not react', async () => {
  const engine = start({ graceMilliseconds: 200 });
  const stop = new AbortController();
  const polite = count(
    engine,
    async () => {
      stop.abort();
      return { text: 'x' };
    },
    stop.signal,
  );
  await expect(polite).rejects.toMatchObject({ code: 'cancelled' });
  const { pid } = engine;
  expect(pid).toBeDefined();

  const hard = new AbortController();
  const stuck = count(engine, never, hard.signal);
  setTimeout(() => hard.abort(), 50);
  await expect(stuck).rejects.toMatchObject({ code: 'cancelled' });
  await expect(count(engine, never, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
  await expect(count(engine, async () => ({ text: 'x' }))).resolves.toEqual({ counted: 3 });
  expect(engine.pid).not.toBe(pid);
});

test('a model is inspected', async () => {
  const engine = start();
  expect(await inspectModel(engine, demoModel)).toMatchObject({
    ...{ architecture: 'llama', parameters: 713856, layers: 3, heads: 4, contextLength: 1024, problems: [] },
    rope: { type: 'default', theta: 10000 },
    chatExample: '<|user|>What is this text about?<|end|><|assistant|>',
    tokenizer: { vocabSize: 866, stopTokens: ['<|end|>'] },
  });
});

test('the self-test and a golden case pass in the engine', async () => {
  const engine = start();
  const report = await selfTest(engine, { threads: 1 });
  expect(report.checks.map(({ name, ok }) => [name, ok])).toEqual([
    ['matrix product', true],
    ['flash attention', true],
    ['load', true],
    ['decode', true],
    ['gradient', true],
    ['training step', true],
    ['repeat', true],
  ]);
  expect(report.ok).toBe(true);
  const cases: string[] = [];
  const folder = fileURLToPath(new URL('../../fixtures/golden/forward/llama', import.meta.url));
  const golden = await runGolden(engine, [folder], {
    onCase: ({ name }) => cases.push(name),
    execution: { threads: 1 },
  });
  expect(golden).toMatchObject({ passed: 1, failed: 0, skipped: 0 });
  expect(cases).toEqual(golden.cases.map(({ name }) => name));
});

test('a process computes on one device: for CUDA a new one is started in its environment, and there is no silent CPU run', async () => {
  const asked: string[] = [];
  const engine = new EngineClient({
    environment: async (device) => {
      asked.push(device);
      return device === 'cuda' ? { ...process.env, LONGHAND_TEST: 'cuda' } : process.env;
    },
  });
  engines.push(engine);
  await count(engine, async () => ({ text: 'x' }));
  const { pid } = engine;
  const report = await selfTest(engine, { device: 'cuda', threads: 1 });
  expect(engine.pid).not.toBe(pid);
  expect(asked).toEqual(['cpu', 'cuda']);
  expect(readFileSync(`/proc/${engine.pid}/environ`, 'utf8')).toContain('LONGHAND_TEST=cuda');
  // This test's environment has no CUDA provider: the model is not loaded, and nothing ran on the CPU instead.
  expect(report.ok).toBe(false);
  expect(report.checks.every(({ ok }) => !ok)).toBe(true);
  await count(engine, async () => ({ text: 'x' }));
  expect(asked).toEqual(['cpu', 'cuda']);
});

test('memory that ended in the process is an error about memory, and the next job runs', async () => {
  const engine = start();
  const died = count(engine, async () => {
    process.kill(engine.pid ?? 0, 'SIGABRT');
    return never();
  });
  await expect(died).rejects.toMatchObject({ code: 'internal' });
  // std::bad_alloc in native code ends a process with these words on its error output.
  const words = new EngineClient({
    environment: async () => ({ ...process.env, NODE_OPTIONS: `--import=${dyingModule()}` }),
  });
  engines.push(words);
  await expect(count(words, async () => ({ text: 'x' }))).rejects.toMatchObject({
    code: 'no_memory',
    message: expect.stringContaining('The memory of this machine was not enough for countTokens') as string,
  });
});

/** A module that makes its process end as an uncaught std::bad_alloc does. */
function dyingModule(): string {
  const code = 'console.error("terminate called after throwing an instance of \'std::bad_alloc\'"); process.abort();';
  return `data:text/javascript,${encodeURIComponent(code)}`;
}
