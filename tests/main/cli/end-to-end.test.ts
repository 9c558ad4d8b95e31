import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { importReportSchema } from '../../../src/shared/documents.ts';
import { evaluationTaskSchema } from '../../../src/shared/evaluation-tasks.ts';
import { evaluationRowSchema } from '../../../src/shared/evaluations.ts';
import { isMetricName } from '../../../src/shared/metrics.ts';
import { runConfigSchema } from '../../../src/shared/run-config.ts';
import { checkpointRowSchema, runRowSchema } from '../../../src/shared/runs.ts';
import { longhand, pressCtrlC, root, start } from './longhand.ts';

const demo = join(root, 'resources', 'demo');
const model = join(demo, 'base-model');
const golden = join(root, 'tests', 'fixtures', 'golden');
const metricName = z.string().refine(isMetricName);

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'longhand-cli-'));
  mkdirSync(join(folder, 'documents'));
  for (const number of ['001', '002', '003']) {
    const name = `harbour-${number}.txt`;
    copyFileSync(join(demo, 'documents', 'train', name), join(folder, 'documents', name));
  }
  const questions = readFileSync(join(demo, 'documents', 'eval', 'short.jsonl'), 'utf8')
    .split('\n')
    .slice(0, 8);
  writeFileSync(join(folder, 'questions.jsonl'), questions.join('\n'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a command that must succeed with `--json` and checks what is alone on standard output. */
async function report<Schema extends z.ZodType>(schema: Schema, ...args: string[]): Promise<z.output<Schema>> {
  const { code, stdout, stderr } = await longhand([...args, '--json'], { cwd: folder });
  expect(stderr).not.toMatch(/[^\P{Cc}\n]/u);
  expect(code, stderr).toBe(0);
  return schema.parse(JSON.parse(stdout));
}

const counts = z.strictObject({
  ...{ documents: z.int(), chunks: z.int(), questions: z.int(), pairs: z.int(), identical: z.int() },
  dropped: z.record(z.string(), z.int()),
});
const trained = z.strictObject({
  run: runRowSchema,
  status: z.enum(['completed', 'stopped']),
  checkpoint: checkpointRowSchema.nullable(),
  seconds: z.strictObject({ load: z.number(), reference: z.number(), train: z.number() }),
  metrics: z.partialRecord(metricName, z.number().nullable()),
});

// One story in steps: each needs what the one before has stored.

test('import: three documents, the second time duplicates', async () => {
  const first = await report(importReportSchema, 'import', 'documents');
  expect(first).toMatchObject({ imported: 3, duplicates: 0, problems: 0 });
  expect(await report(importReportSchema, 'import', 'documents')).toMatchObject({ imported: 0, duplicates: 3 });
});

test('model inspect: describes a model; one that cannot be used ends with code 4', async () => {
  const schema = z.looseObject({ parameters: z.int(), problems: z.array(z.string()), contextLength: z.int() });
  const found = await report(schema, 'model', 'inspect', model);
  expect(found).toMatchObject({ parameters: 713_856, problems: [], contextLength: 1024 });
  const unusable = join(folder, 'unusable');
  mkdirSync(unusable);
  const config = JSON.parse(readFileSync(join(model, 'config.json'), 'utf8')) as Record<string, unknown>;
  writeFileSync(
    join(unusable, 'config.json'),
    JSON.stringify({ ...config, model_type: 'rwkv', architectures: ['Rwkv'] }),
  );
  copyFileSync(join(model, 'model.safetensors'), join(unusable, 'model.safetensors'));
  const { code, stderr } = await longhand(['model', 'inspect', unusable]);
  expect(code, stderr).toBe(4);
});

test('generate: pairs from every document', async () => {
  const schema = z.strictObject({ job: z.looseObject({ id: z.int(), status: z.literal('finished') }), counts });
  const made = await report(schema, 'generate', '--model', model, '--preset', 'demo', '--threads', '1');
  expect(made.counts).toMatchObject({ documents: 3, dropped: {} });
  expect(made.counts.pairs).toBeGreaterThan(8);
});

const settings = ['--preset', 'demo', '--batch-size', '2', '--lora-rank', '4', '--threads', '1'];

test('pairs score: every pair once, the second time none', async () => {
  const schema = z.strictObject({
    model: z.strictObject({ fingerprint: z.string(), name: z.string() }),
    ...{ scored: z.int(), known: z.int() },
  });
  const score = () => report(schema, 'pairs', 'score', '--model', model, '--threads', '1');
  const first = await score();
  expect(first).toMatchObject({ known: 0, model: { name: 'base-model' } });
  expect(first.scored).toBeGreaterThan(0);
  expect(await score()).toEqual({ ...first, scored: 0, known: first.scored });
});

test('train: a dry run stores nothing', async () => {
  const plan = z.looseObject({ examples: z.int(), steps: z.int() });
  const schema = z.strictObject({ plan, pairs: z.int(), heldOut: z.int(), config: runConfigSchema });
  const planned = await report(schema, 'train', '--model', model, ...settings, '--max-steps', '3', '--dry-run');
  expect(planned.plan).toMatchObject({ examples: 3, steps: 3 });
  expect(await report(z.strictObject({ runs: z.array(runRowSchema) }), 'runs')).toEqual({ runs: [] });
});

test('train: three steps of LongPO on an adapter', async () => {
  const { run, status, metrics } = await report(trained, 'train', '--model', model, ...settings, '--max-steps', '3');
  expect([run.id, run.status, run.lastStep, status]).toEqual([1, 'finished', 3, 'completed']);
  expect(metrics.loss).toBeGreaterThan(0);
});

test('train: Ctrl+C stops with a checkpoint and code 130; --resume goes on to the end', async () => {
  const running = start(['train', '--model', model, ...settings, '--max-steps', '60'], { cwd: folder });
  await running.said('train: ');
  pressCtrlC(running);
  const { code, stderr } = await running.ended;
  expect(stderr).toContain('Press Ctrl+C again to end at once.');
  expect(stderr).toContain('Go on with: longhand train --resume 2');
  expect(code, stderr).toBe(130);
  const { run, metrics } = await report(trained, 'train', '--resume', '2');
  expect([run.status, run.lastStep]).toEqual(['finished', 60]);
  expect(metrics.num_tokens).toBeGreaterThan(0);
}, 120_000);

test('evaluate: figures with intervals; a threshold that is missed ends with code 1', async () => {
  const row = z.strictObject({
    ...{ id: z.int(), task: evaluationTaskSchema, runId: z.int().nullable() },
    summary: z.record(z.string(), z.number()),
  });
  const measured = ['--questions', 'questions.jsonl', '--separator', '\\n', '--max-new-tokens', '14', '--threads', '1'];
  const schema = z.strictObject({ evaluations: z.array(row) });
  const { evaluations } = await report(schema, 'evaluate', '--run', '1', ...measured, '--text', 'questions.jsonl');
  expect(evaluations.map(({ task, runId }) => [task.kind, runId])).toEqual([
    ['questions', 1],
    ['text', 1],
  ]);
  expect(evaluations[0]?.summary['accuracy']).toBeGreaterThan(0.5);
  const missed = await longhand(['evaluate', '--run', '1', '--text', 'questions.jsonl', '--max-nll', '0.01'], {
    cwd: folder,
  });
  expect(missed.stderr).toMatch(/error: questions: NLL \d\.\d{3} nats\/token is above 0\.01/);
  expect(missed.stdout).toContain('NLL, nats/token');
  expect(missed.code).toBe(1);
  const [line = ''] = readFileSync(join(folder, 'questions.jsonl'), 'utf8').split('\n');
  const long = { context: 'heron '.repeat(2000), question: 'Who?', answer: 'It.' };
  writeFileSync(join(folder, 'long.jsonl'), `${line}\n${JSON.stringify(long)}\n`);
  const partly = await longhand(['evaluate', '--model', model, '--questions', 'long.jsonl'], { cwd: folder });
  expect(partly.stderr).toContain('long: 1 of 2 were too long for the model and are not in the figures.');
});

test('evaluate --dry-run: items, tokens and the time by what was measured; nothing is stored or made', async () => {
  const asked = [
    'evaluate',
    '--model',
    model,
    '--questions',
    'questions.jsonl',
    '--separator',
    '\\n',
    '--threads',
    '1',
  ];
  const dry = [...asked, '--max-new-tokens', '14', '--text', 'long.jsonl', '--dry-run'];
  const size = z.looseObject({ items: z.int(), read: z.int(), written: z.int() });
  const time = z.strictObject({ low: z.number(), high: z.number(), evaluationId: z.int() }).nullable();
  const schema = z.strictObject({ tasks: z.array(z.strictObject({ task: evaluationTaskSchema, size, time })) });
  const known = (await report(schema, ...dry)).tasks;
  // The run above has answered the same questions on the same model.
  expect(known.map((task) => task.time?.evaluationId ?? null)).toEqual([1, null]);
  expect(known[0]?.size.written).toBe(14 * (known[0]?.size.items ?? 0));
  const elsewhere = join(folder, 'never-made');
  const fresh = await longhand([...dry, '--workspace', elsewhere], { cwd: folder });
  expect(fresh.stdout).toContain('Time: not known yet.');
  expect(fresh.code).toBe(0);
  expect(existsSync(elsewhere)).toBe(false);
  const both = await longhand(['evaluate', '--resume', '1', '--dry-run'], { cwd: folder });
  expect(both.stderr).toContain('--dry-run has no meaning with --resume.');
});

test('runs: list, show and metrics agree', async () => {
  const { runs } = await report(z.strictObject({ runs: z.array(runRowSchema) }), 'runs', 'list');
  expect(runs.map((run) => run.status)).toEqual(['finished', 'finished']);
  const shown = z.strictObject({
    ...{ run: runRowSchema, config: runConfigSchema, checkpoints: z.array(checkpointRowSchema) },
    evaluations: z.array(evaluationRowSchema),
  });
  const one = await report(shown, 'runs', 'show', '1');
  expect(one.run).toEqual(runs[0]);
  expect(one.config).toMatchObject({ maxSteps: 3, trainable: { kind: 'lora', rank: 4 } });
  expect(one.evaluations.length).toBe(3);
  const metricRow = z.strictObject({ step: z.int(), key: metricName, value: z.number().nullable() });
  const { metrics } = await report(
    z.strictObject({ run: z.int(), metrics: z.array(metricRow) }),
    'runs',
    'metrics',
    '1',
  );
  expect(metrics.filter((row) => row.key === 'loss').length).toBe(3);

  const csv = await longhand(['runs', 'metrics', '1', '--csv'], { cwd: folder });
  const [head = '', ...lines] = csv.stdout.trim().split('\n');
  expect(head.split(',')).toContain('rewards/margins');
  expect(lines.length).toBe(3);
  const text = await longhand(['runs', 'show', '1'], { cwd: folder });
  expect(text.stdout).toContain('trainable.rank');
  expect((await longhand(['runs', 'show', '9'], { cwd: folder })).code).toBe(3);
});

test('export: adapter, merged model and pairs; a folder in the way is a conflict', async () => {
  const written = z.strictObject({ runId: z.literal(1), dir: z.string() });
  const adapter = await report(written, 'export', 'adapter', '1', 'adapter');
  expect(existsSync(join(adapter.dir, 'adapter_model.safetensors'))).toBe(true);
  const merged = await report(written, 'export', 'merged', '1', 'merged');
  expect(existsSync(join(merged.dir, 'model.safetensors'))).toBe(true);
  const again = await longhand(['export', 'merged', '1', 'merged'], { cwd: folder });
  expect(again.code, again.stderr).toBe(5);
  const schema = z.strictObject({ path: z.string(), rows: z.literal(3), pairs: z.int() });
  const pairs = await report(schema, 'export', 'pairs', 'pairs.jsonl');
  expect(readFileSync(pairs.path, 'utf8').trim().split('\n').length).toBe(3);
});

test('train --from-run: a new run from a checkpoint, with other settings; what cannot change is refused', async () => {
  const { run, metrics } = await report(
    trained,
    ...['train', '--from-run', '1', '--max-steps', '5', '--learning-rate', '1e-5', '--name', 'longer'],
  );
  expect(run).toMatchObject({ name: 'longer', status: 'finished', lastStep: 5, parentRunId: 1 });
  expect(run.parentCheckpointId).not.toBeNull();
  expect(metrics.loss).toBeGreaterThan(0);
  const shown = await report(z.looseObject({ config: runConfigSchema }), 'runs', 'show', String(run.id));
  expect(shown.config).toMatchObject({ learningRate: 1e-5, maxSteps: 5, batchSize: 2 });
  const simpo = await report(trained, ...['train', '--from-run', '1', '--max-steps', '5', '--objective', 'simpo']);
  await report(trained, ...['train', '--from-run', String(simpo.run.id), '--max-steps', '6', '--gamma', '2']);
  for (const [args, code, message] of [
    [['--batch-size', '1', '--max-steps', '6'], 2, 'cannot change batchSize'],
    [['--max-steps', '2'], 2, 'would end at step 2'],
    [['--max-steps', '6', '--gamma', '2'], 2, 'field gamma: belongs to simpo and solopo, not to longpo'],
    [['--max-steps', '6', '--objective', 'opsdl'], 2, 'The objective cannot become opsdl'],
    [['--max-steps', '6', '--review', 'all'], 2, '--review has no meaning with --from-run'],
  ] as const) {
    const ended = await longhand(['train', '--from-run', '1', ...args], { cwd: folder });
    expect([ended.code, ended.stderr]).toEqual([code, expect.stringContaining(message)]);
  }
}, 120_000);

test('golden: a case that agrees, and one that does not is named with its quantity', async () => {
  const schema = z.looseObject({ passed: z.literal(1), failed: z.literal(0), cases: z.array(z.looseObject({})) });
  await report(schema, 'golden', join(golden, 'forward', 'llama'), '--threads', '1');
  const file = join(folder, 'report.json');
  const passed = await longhand(['golden', join(golden, 'forward', 'llama'), `--json=${file}`]);
  expect(passed.stdout).toMatch(/^passed +\S*llama: \d+ quantities/);
  schema.parse(JSON.parse(readFileSync(file, 'utf8')));

  const wrong = join(folder, 'wrong');
  for (const part of ['longpo/llama-lora', 'models/llama', 'adapters/llama']) {
    cpSync(join(golden, part), join(wrong, part), { recursive: true });
  }
  const expectedFile = join(wrong, 'longpo', 'llama-lora', 'expected.json');
  const expected = JSON.parse(readFileSync(expectedFile, 'utf8')) as { fp64: { batch: Record<string, number> } };
  expected.fp64.batch['sft'] = (expected.fp64.batch['sft'] ?? 0) + 0.01;
  writeFileSync(expectedFile, JSON.stringify(expected));
  const failed = await longhand(['golden', join(wrong, 'longpo', 'llama-lora'), '--threads', '1']);
  expect(failed.stderr).toMatch(/error: \S*llama-lora: batch\.sft\S*.* differs/);
  expect(failed.stdout).toMatch(/^failed +\S*llama-lora/);
  expect(failed.code).toBe(1);

  const forward = join(folder, 'unknown', 'forward', 'llama');
  cpSync(join(golden, 'forward', 'llama'), forward, { recursive: true });
  cpSync(join(golden, 'models', 'llama'), join(folder, 'unknown', 'models', 'llama'), { recursive: true });
  const values = JSON.parse(readFileSync(join(forward, 'expected.json'), 'utf8')) as { fp64: object };
  writeFileSync(join(forward, 'expected.json'), JSON.stringify({ ...values, fp64: { ...values.fp64, mystery: 2 } }));
  const { code, stderr } = await longhand(['golden', forward, '--threads', '1']);
  expect(stderr).toMatch(/warning: llama: .*mystery/);
  expect(code).toBe(0);
});
