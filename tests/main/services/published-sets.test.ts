import { join } from 'node:path';
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { compareEvaluations, evaluate, evaluationItems } from '../../../src/main/services/evaluations.ts';
import { publishedSetPath } from '../../../src/main/services/own-sets.ts';
import type { EvaluationTaskInput } from '../../../src/shared/evaluation-tasks.ts';
import type { PublishedFormName } from '../../../src/shared/published-forms.ts';
import { demoModel, open, temporaryFolder } from './fixtures.ts';

const source = { kind: 'base' as const, modelDir: demoModel };
const execution = { threads: 1 };

function task(form: PublishedFormName, more: object = {}): EvaluationTaskInput {
  const shared = { limit: 2, maxNewTokens: 6, maxTokens: 400 };
  return { kind: 'published', name: form, form, path: publishedSetPath(form), ...shared, ...more };
}

test('published sets are asked, cut where they are too long, scored, and compared', async () => {
  const context = open();
  const tasks = [task('longbench_v2'), task('longbench/trec'), task('helmet/rag')];
  const outcomes = await evaluate(context, { source, tasks, execution });
  const [v2, trec, rag] = outcomes.map(({ summary }) => summary);
  expect(v2).toMatchObject({ items: 2, too_long: 0, cut: 2, score: 0 });
  expect(Object.keys(v2 ?? {})).toEqual(
    expect.arrayContaining(['score/easy', 'score/hard', 'score/short', 'score/easy/n']),
  );
  expect(trec).toMatchObject({ items: 2, too_long: 0 });
  expect(Object.keys(rag ?? {})).toEqual(expect.arrayContaining(['exact_match', 'f1', 'rougeL_f1/low']));
  const items = evaluationItems(context, 1).rows;
  expect(items.map(({ index, expected, detail }) => [index, expected, detail])).toEqual([
    [0, 'A', expect.objectContaining({ cut: true, groups: ['easy', 'short'] }) as object],
    [1, 'A', expect.objectContaining({ cut: true, groups: ['hard', 'medium'] }) as object],
  ]);
  const { rows } = await compareEvaluations(context, [1, 1]);
  expect(rows[1]?.difference?.value).toBe(0);
});

test('a wrong file, and an answer that leaves no room, are refused before anything is stored', async () => {
  const context = open();
  const path = join(temporaryFolder(), 'set.jsonl');
  const run = (form: PublishedFormName, more: object = {}) =>
    evaluate(context, { source, tasks: [task(form, { path, ...more })], execution });
  const row = { input: 'q', context: 'c', answers: ['a'], dataset: 'hotpotqa' };
  writeFileSync(path, `${JSON.stringify(row)}\n${JSON.stringify({ ...row, answers: 'a' })}\n`);
  await expect(run('longbench/hotpotqa')).rejects.toMatchObject({
    message: expect.stringContaining(`${path}: line 2, field answers`) as string,
    place: { file: path, field: 'answers' },
  });
  await expect(run('longbench/musique')).rejects.toMatchObject({
    message: expect.stringContaining('is not musique') as string,
  });
  writeFileSync(path, '[{"question": 1}]');
  await expect(run('longbench_v2')).rejects.toMatchObject({
    message: expect.stringContaining('item 1, field context') as string,
  });
  writeFileSync(path, '\n');
  await expect(run('helmet/rag')).rejects.toMatchObject({ message: `${path} holds no items.` });
  expect(context.workspace.evaluations.count()).toBe(0);
  await expect(
    run('longbench/trec', { path: publishedSetPath('longbench/trec'), maxNewTokens: 400 }),
  ).rejects.toMatchObject({ code: 'invalid_input', message: expect.stringContaining('leaves no room') as string });
});

test('a set is not read again once it is checked', async () => {
  const context = open();
  const path = join(temporaryFolder(), 'set.jsonl');
  copyFileSync(publishedSetPath('longbench/trec'), path);
  const [outcome] = await evaluate(
    context,
    { source, tasks: [task('longbench/trec', { path, limit: null })], execution },
    { onRows: () => rmSync(path) },
  );
  expect(outcome?.summary['items']).toBe(12);
});
