import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluate } from '../../../src/main/services/evaluations.ts';
import { allRunMetrics, train } from '../../../src/main/services/runs.ts';
import { exportAll } from '../../../src/main/services/workspace-care.ts';
import type { ExportAllReport } from '../../../src/shared/workspace-care.ts';
import { pythonOrSkipReason, runPython } from '../../python/python.ts';
import { addPairs, closeAll, demoQuestions, open, tinyModel } from './fixtures.ts';
import { tinyRun } from './tiny-run.ts';

interface Opened {
  readonly rows: Readonly<Record<string, number>>;
  readonly pairs: Readonly<Record<string, unknown>>;
  readonly lora: number;
  readonly trained: boolean;
  readonly metrics: readonly (readonly [step: number, metric: string, value: number])[];
}

const modelDir = tinyModel('llama');
const config = { ...tinyRun, epochs: null, maxSteps: 6 };
const linesOf = (file: string): unknown[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);

let outer = '';
let folder = '';
let report: ExportAllReport;
let stored: ReturnType<typeof allRunMetrics>;

/** A workspace with runs of an adapter and of all weights, an evaluation, a verdict, an archived pair and an archived run. */
beforeAll(async () => {
  // Not one of the folders that are removed after each test.
  outer = mkdtempSync(join(tmpdir(), 'longhand-export-'));
  folder = join(outer, 'all of it');
  const context = open();
  const { workspace } = context;
  addPairs(context, 6);
  workspace.pairs.setArchived([3], true);
  const { run } = await train(context, { modelDir, config });
  stored = allRunMetrics(context, run.id);
  const full = { ...config, trainable: { kind: 'full' as const }, maxSteps: 1, learningRate: 1e-5 };
  const whole = await train(context, { modelDir, config: full });
  workspace.runs.setArchived([whole.run.id], true);
  const tasks = [{ kind: 'text' as const, name: 'text', path: demoQuestions('short'), limit: 3 }];
  await evaluate(context, { source: { kind: 'run', runId: run.id }, tasks });
  report = await exportAll(context, { folder });
  await closeAll();
});
afterAll(() => rmSync(outer, { recursive: true, force: true }));

describe('export of everything, from a workspace with real runs', () => {
  it('has all of it, archived rows too, and says what it left out and why', () => {
    expect(Object.fromEntries(report.files.map(({ name, rows }) => [name, rows]))).toMatchObject({
      'models.jsonl': 1,
      'documents.jsonl': 6,
      'pairs.jsonl': 6,
      'pairs-archived.jsonl': 1,
      'runs.jsonl': 2,
      'runs/1/metrics.csv': stored.length,
      'runs/1/adapter': 1,
      'evaluations.jsonl': 1,
      'evaluation-items.jsonl': 3,
    });
    expect(report.leftOut).toEqual([
      { what: 'adapter of run 2', why: 'it trained all weights: export its merged model' },
    ]);
    expect(JSON.parse(readFileSync(join(folder, 'contents.json'), 'utf8'))).toMatchObject(report);
    for (const { name, rows } of report.files.filter((file) => file.name.endsWith('.jsonl'))) {
      expect([name, linesOf(join(folder, name)).length]).toEqual([name, rows]);
    }
  });

  it('an archived pair stands in a file of its own and is marked; the others are not', () => {
    const pairsOf = (file: string) =>
      linesOf(join(folder, file)).flatMap(
        (row) => (row as { provenance: { pairs: { pair_id: number; archived?: true }[] } }).provenance.pairs,
      );
    expect(pairsOf('pairs-archived.jsonl')).toMatchObject([{ pair_id: 3, archived: true }]);
    const inUse = pairsOf('pairs.jsonl');
    expect(inUse.map(({ pair_id: id }) => id)).toEqual([1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(inUse.every((pair) => !('archived' in pair))).toBe(true);
  });

  it('datasets and TRL read the rows, PEFT the adapter, and the CSV equals the store', async (test) => {
    const env = pythonOrSkipReason();
    if ('reason' in env) return test.skip(env.reason);
    const opened = JSON.parse(await runPython('open_export.py', [folder, '1'])) as Opened;
    const jsonl = report.files.filter(({ name }) => name.endsWith('.jsonl'));
    expect(opened.rows).toEqual(Object.fromEntries(jsonl.map(({ name, rows }) => [name, rows])));
    const asTrl = {
      columns: ['chosen', 'prompt', 'provenance', 'rejected', 'short_prompts'],
      conversational: true,
    };
    const answers = ['assistant', 'user', 'assistant'];
    expect(opened.pairs).toEqual({
      'pairs.jsonl': { ...asTrl, roles: [['user'], answers, answers] },
      'pairs-archived.jsonl': { ...asTrl, roles: [['user'], ['assistant'], ['assistant']] },
    });
    // Two layers with seven linear modules, A and B of each.
    expect([opened.lora, opened.trained]).toEqual([28, true]);
    expect(opened.metrics).toEqual(stored.map(({ step, key, value }) => [step, key, value]));
  }, 120_000);
});
