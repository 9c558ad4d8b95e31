import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { evaluate, evaluationItems, resumeEvaluations } from '../../../src/main/services/evaluations.ts';
import { judgedSetPaths } from '../../../src/main/services/own-sets.ts';
import { judgeOf } from '../../../src/shared/evaluations.ts';
import type { EvaluationTaskInput } from '../../../src/shared/evaluation-tasks.ts';
import { demoModel, open, temporaryFolder, tinyModel } from './fixtures.ts';

const source = { kind: 'base' as const, modelDir: demoModel };
const execution = { threads: 1 };
const task = (judge: string, more: object = {}): EvaluationTaskInput => ({
  ...{ kind: 'judged', name: 'chat', form: 'mt_bench', ...judgedSetPaths('mt_bench'), judge },
  ...{ maxNewTokens: 8, judgeTokens: 8, limit: 4, ...more },
});

test('two turns are answered and judged, what cannot be read is counted, and the judge is named', async () => {
  const context = open();
  const [outcome] = await evaluate(context, { source, tasks: [task(demoModel)], execution });
  // The demo model can neither answer nor judge.
  expect(outcome?.summary).toMatchObject({ items: 8, too_long: 0 });
  const { row } = outcome ?? {};
  expect(row && judgeOf(row)).toMatchObject({ name: 'base-model', selfJudged: true });
  const items = evaluationItems(context, 1).rows;
  expect(items.map(({ index, detail }) => [index, (detail as { turn: number }).turn])).toEqual(
    Array.from({ length: 8 }, (_, i) => [i, 1 + (i % 2)]),
  );
  expect(items.every(({ detail }) => !('pending' in (detail as object)))).toBe(true);
});

test('a copy of the model with another rope base is still the same judge, another model is not', async () => {
  const context = open();
  const copy = join(temporaryFolder(), 'copy');
  cpSync(demoModel, copy, { recursive: true });
  const config = JSON.parse(readFileSync(join(copy, 'config.json'), 'utf8')) as object;
  writeFileSync(join(copy, 'config.json'), JSON.stringify({ ...config, rope_theta: 20000 }));
  const tasks = [task(copy, { limit: 1 }), task(tinyModel('llama'), { limit: 1 })];
  const outcomes = await evaluate(context, { source, tasks, execution });
  expect(outcomes.map(({ row }) => judgeOf(row)?.selfJudged)).toEqual([true, false]);
  expect(outcomes.map(({ row }) => row.kind)).toEqual(['judged', 'judged']);
  // Ratings of different judges are no figures of one set.
  expect(outcomes[0]?.row.setSha256).not.toBe(outcomes[1]?.row.setSha256);
});

test('stopped in the middle, answers that are there are not asked again', async () => {
  const context = open();
  const stop = new AbortController();
  const running = evaluate(
    context,
    { source, tasks: [task(demoModel)], execution },
    {
      signal: stop.signal,
      onProgress: ({ phase }) => {
        if (phase.endsWith('answers')) stop.abort();
      },
    },
  );
  await expect(running).rejects.toMatchObject({ code: 'cancelled' });
  const before = evaluationItems(context, 1).rows;
  expect(before.length).toBeGreaterThanOrEqual(4);
  const [outcome] = await resumeEvaluations(context, [1]);
  expect(outcome?.summary['items']).toBe(8);
  const after = evaluationItems(context, 1).rows;
  expect(after).toHaveLength(8);
  for (const { index, answer } of before) expect(after[index]?.answer).toBe(answer);
});
