import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { importDocuments } from '../../../src/main/services/documents.ts';
import {
  compareEvaluations,
  evaluate,
  evaluationItems,
  listEvaluations,
  resumeEvaluations,
} from '../../../src/main/services/evaluations.ts';
import { exportAdapter, exportMerged } from '../../../src/main/services/exports.ts';
import { generatePairs } from '../../../src/main/services/pairs.ts';
import { train } from '../../../src/main/services/runs.ts';
import type { EvaluationOutcome, EvaluationTaskInput } from '../../../src/shared/evaluation-tasks.ts';
import { presets } from '../../../src/shared/presets.ts';
import { synthesisPresets } from '../../../src/shared/synthesis-config.ts';
import { demoDocument, demoModel, demoQuestions, open, temporaryFolder, tinyModel } from './fixtures.ts';

const execution = { threads: 1 };
const question = (name: string, limit: number): EvaluationTaskInput => ({
  ...{ kind: 'questions', name, path: demoQuestions(name), rule: 'exact', separator: '\n', maxNewTokens: 14, limit },
});
const tasks: EvaluationTaskInput[] = [
  question('long', 24),
  { kind: 'ask', name: 'ask', path: demoQuestions('short'), limit: 16 },
  { kind: 'text', name: 'text', path: demoQuestions('long'), limit: 8 },
  { kind: 'kl', name: 'kl', samples: [1, 2] },
];

async function withPairs(documents: number) {
  const context = open();
  await importDocuments(
    context,
    Array.from({ length: documents }, (_, i) => demoDocument(i + 1)),
  );
  await generatePairs(context, { modelDir: demoModel, settings: synthesisPresets.demo, execution });
  return context;
}

const config = { ...presets.demo, epochs: null, maxSteps: 3, batchSize: 2, threads: 1 };
const lora = { ...config, trainable: { kind: 'lora' as const, rank: 4, alpha: 8 }, learningRate: 5e-3 };
const summaries = (outcomes: readonly EvaluationOutcome[]) => outcomes.map(({ task, summary }) => [task.name, summary]);

test('base and trained weights are evaluated with every answer stored, and compared item by item', async () => {
  const context = await withPairs(4);
  const { run } = await train(context, { modelDir: demoModel, config });
  const base = await evaluate(context, { source: { kind: 'base', modelDir: demoModel }, tasks, execution });
  const after = await evaluate(context, { source: { kind: 'run', runId: run.id }, tasks });
  const rows = listEvaluations(context).rows;
  expect(rows.map(({ kind, status, items, runId }) => [kind, status, items, runId])).toEqual([
    ['questions', 'finished', 24, null],
    ['ask', 'finished', 16, null],
    ['text', 'finished', 8, null],
    ['kl', 'finished', 2, null],
    ['questions', 'finished', 24, run.id],
    ['ask', 'finished', 16, run.id],
    ['text', 'finished', 8, run.id],
    ['kl', 'finished', 2, run.id],
  ]);
  expect(listEvaluations(context, { runId: run.id }).rows).toHaveLength(4);
  const figure = (outcomes: typeof base, task: string, name: string) =>
    outcomes.find((outcome) => outcome.task.name === task)?.summary[name] ?? NaN;
  const items = evaluationItems(context, 1, { limit: 100 }).rows;
  const right = items.filter((item) => item.score === 1);
  expect(right.every((item) => item.answer === item.expected)).toBe(true);
  expect(figure(base, 'long', 'accuracy')).toBeCloseTo(right.length / 24, 12);
  // The reference is the base model itself, on the chunk: on the document it differs, and training brings it nearer.
  expect(figure(base, 'kl', 'kl/exact/chosen')).toBeGreaterThan(figure(after, 'kl', 'kl/exact/chosen'));
  expect(figure(after, 'text', 'nll')).not.toBe(figure(base, 'text', 'nll'));

  const comparison = await compareEvaluations(context, [1, 5], { names: ['before', 'after'] });
  expect(comparison.items).toHaveLength(24);
  expect(comparison.rows.map(({ name, mean }) => [name, mean.value])).toEqual([
    ['before', figure(base, 'long', 'accuracy')],
    ['after', figure(after, 'long', 'accuracy')],
  ]);
  await expect(compareEvaluations(context, [1, 2])).rejects.toMatchObject({ code: 'invalid_input' });
  const adapter = exportAdapter(context, { runId: run.id, dir: join(temporaryFolder(), 'adapter') });
  await expect(adapter).rejects.toMatchObject({ code: 'unsupported', hint: 'Export the merged model instead.' });
});

test('an exported adapter and a merged model answer as the run does', async () => {
  const context = await withPairs(3);
  const { run } = await train(context, { modelDir: demoModel, config: lora });
  const folder = temporaryFolder();
  const adapter = await exportAdapter(context, { runId: run.id, dir: join(folder, 'adapter'), baseModel: 'demo' });
  expect(readdirSync(adapter.dir).sort()).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
  const merged = await exportMerged(context, { runId: run.id, dir: join(folder, 'merged') });
  const of = (source: Parameters<typeof evaluate>[1]['source']) =>
    evaluate(context, { source, tasks: tasks.slice(0, 3), execution });
  const trained = await of({ kind: 'run', runId: run.id });
  const fromAdapter = await of({ kind: 'adapter', modelDir: demoModel, dir: adapter.dir });
  expect(summaries(fromAdapter)).toEqual(summaries(trained));
  const fromMerged = await of({ kind: 'base', modelDir: merged.dir });
  expect(fromMerged[0]?.summary['accuracy']).toBe(trained[0]?.summary['accuracy']);
  expect(fromMerged[2]?.summary['nll']).toBeCloseTo(trained[2]?.summary['nll'] ?? NaN, 5);
  const base = await of({ kind: 'base', modelDir: demoModel });
  expect(Math.abs((base[2]?.summary['nll'] ?? 0) - (trained[2]?.summary['nll'] ?? 0))).toBeGreaterThan(1e-4);
  const used = exportMerged(context, { runId: run.id, dir: merged.dir });
  await expect(used).rejects.toMatchObject({ code: 'conflict' });
});

test('what cannot be evaluated leaves no row; a stopped evaluation says so', async () => {
  const context = await withPairs(1);
  const source = { kind: 'base' as const, modelDir: demoModel };
  const rows = () => listEvaluations(context).rows.map(({ status }) => status);
  const missing = { ...question('long', 4), path: '/nowhere.jsonl' } as EvaluationTaskInput;
  await expect(evaluate(context, { source, tasks: [missing] })).rejects.toMatchObject({ code: 'not_found' });
  await expect(evaluate(context, { source, tasks: [] })).rejects.toMatchObject({ code: 'invalid_input' });
  await expect(evaluate(context, { source: { kind: 'run', runId: 1 }, tasks })).rejects.toMatchObject({
    code: 'not_found',
  });
  const { run } = await train(context, { modelDir: demoModel, config: { ...config, maxSteps: 1 } });
  const noHeldOut = evaluate(context, { source: { kind: 'run', runId: run.id }, tasks: [{ kind: 'kl', name: 'kl' }] });
  await expect(noHeldOut).rejects.toMatchObject({ code: 'invalid_input', place: { field: 'samples' } });
  expect(rows()).toEqual([]);

  const other = evaluate(context, {
    source: { kind: 'run', runId: run.id, modelDir: tinyModel('llama') },
    tasks: [question('long', 4)],
  });
  await expect(other).rejects.toMatchObject({ code: 'conflict', place: { file: tinyModel('llama') } });
  const broken = join(temporaryFolder(), 'broken.jsonl');
  writeFileSync(broken, '{"question": "Who?", "answer": "Mara."}\n{"question": 3}\n');
  const bad = evaluate(context, { source, tasks: [{ ...question('long', 4), path: broken } as EvaluationTaskInput] });
  await expect(bad).rejects.toMatchObject({ code: 'invalid_input', place: { file: broken } });
  expect(rows()).toEqual([]);
  const stop = new AbortController();
  const stopped = evaluate(
    context,
    { source, tasks: [question('closed', 4), question('long', 4)] },
    {
      signal: stop.signal,
      onTask: () => stop.abort(),
    },
  );
  await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
  expect(rows()).toEqual(['finished', 'paused']);
  const again = await resumeEvaluations(context, [1, 2]);
  expect(again.map(({ row }) => row.id)).toEqual([2]);
  expect(rows()).toEqual(['finished', 'finished']);
  expect(evaluationItems(context, 2).rows).toHaveLength(4);
});

test.each<EvaluationTaskInput>([
  question('short', 140),
  { kind: 'ask', name: 'ask', path: demoQuestions('short'), limit: 140 },
  { kind: 'text', name: 'text', path: demoQuestions('short'), limit: 60 },
  {
    ...{ kind: 'ruler', name: 'ruler', task: 'niah_single_1', haystack: 'needle', prompt: 'plain' },
    ...{ lengths: [1024], depths: [0, 1], itemsPerCell: 1 },
  },
])('a task that is stopped between two batches goes on to the same table: $kind', { timeout: 60_000 }, async (task) => {
  const source = { kind: 'base' as const, modelDir: demoModel };
  const table = (context: ReturnType<typeof open>) => ({
    rows: listEvaluations(context).rows.map(({ status, summary }) => ({ status, summary })),
    items: evaluationItems(context, 1, { limit: 200 }).rows,
  });
  const whole = open();
  await evaluate(whole, { source, tasks: [task], execution });
  const context = open();
  const stop = new AbortController();
  const stopAtFirst = ({ phase, done }: { phase: string; done: number }): void => {
    if (phase === task.name && done > 0) stop.abort();
  };
  const stopped = evaluate(
    context,
    { source, tasks: [task], execution },
    { signal: stop.signal, onProgress: stopAtFirst },
  );
  await stopped.catch((error: unknown) => expect(error).toMatchObject({ code: 'cancelled' }));
  const before = table(context);
  expect(before.items.length).toBeGreaterThan(0);
  // A short task may be done before the order to stop arrives.
  if (task.kind === 'questions') {
    expect(before.rows).toEqual([{ status: 'paused', summary: null }]);
    expect(before.items.length).toBeLessThan(table(whole).items.length);
  }
  await resumeEvaluations(context, [1]);
  expect(table(context)).toEqual(table(whole));
});
