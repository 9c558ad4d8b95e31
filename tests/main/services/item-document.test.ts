import { expect, test } from 'vitest';
import { importDocuments } from '../../../src/main/services/documents.ts';
import { itemDocument } from '../../../src/main/services/evaluation-sets.ts';
import { evaluate, evaluationItems } from '../../../src/main/services/evaluations.ts';
import { choiceSetPaths, judgedSetPaths } from '../../../src/main/services/own-sets.ts';
import { generatePairs } from '../../../src/main/services/pairs.ts';
import { choiceDetailSchema, klDetailSchema } from '../../../src/shared/evaluation-details.ts';
import type { EvaluationTaskInput } from '../../../src/shared/evaluation-tasks.ts';
import { synthesisPresets } from '../../../src/shared/synthesis-config.ts';
import { demoDocument, demoModel, open } from './fixtures.ts';

const source = { kind: 'base' as const, modelDir: demoModel };
const execution = { threads: 1 };

test('multiple choice: the options are read again; what is noted names the right and the chosen one', async () => {
  const context = open();
  const task: EvaluationTaskInput = {
    ...{ kind: 'multiple_choice', name: 'choices', form: 'winogrande', ...choiceSetPaths('winogrande') },
    ...{ fewShot: 1, limit: 3 },
  };
  await evaluate(context, { source, tasks: [task], execution });
  for (const { index, detail, answer, expected } of evaluationItems(context, 1).rows) {
    const { choices = [], text } = await itemDocument(context, 1, index);
    const { gold, acc, logLikelihoods } = choiceDetailSchema.parse(detail);
    expect([choices[gold], choices[acc], logLikelihoods.length, text]).toEqual([expected, answer, choices.length, '']);
  }
});

test('judged chat: the long text that the judge does not see, and none where the question is all', async () => {
  const context = open();
  const judged = (form: 'mt_bench' | 'longbench_chat'): EvaluationTaskInput => ({
    ...{ kind: 'judged', name: form, form, ...judgedSetPaths(form), judge: demoModel },
    ...{ maxNewTokens: 8, judgeTokens: 8, limit: 2 },
  });
  await evaluate(context, { source, tasks: [judged('mt_bench'), judged('longbench_chat')], execution });
  for (const index of [0, 1, 3]) expect((await itemDocument(context, 1, index)).text).toBe('');
  const [item] = evaluationItems(context, 2).rows;
  const { text } = await itemDocument(context, 2, item?.index ?? -1);
  expect(text.length).toBeGreaterThan(500);
  expect(text).toContain(item?.question ?? '-');
});

test('held-out pairs: each example names its pairs, and their texts stay as they were read', async () => {
  const context = open();
  await importDocuments(context, [demoDocument(1), demoDocument(2)]);
  await generatePairs(context, { modelDir: demoModel, settings: synthesisPresets.demo, execution });
  await evaluate(context, { source, tasks: [{ kind: 'kl', name: 'kl' }], execution });
  const items = evaluationItems(context, 1).rows;
  expect(items.length).toBeGreaterThan(1);
  const [first] = items;
  const noted = klDetailSchema.parse(first?.detail).pairs ?? [];
  expect(noted.length).toBeGreaterThan(0);
  const before = await itemDocument(context, 1, 0);
  expect(before.pairs?.map(({ pairId }) => pairId)).toEqual(noted.map(({ pairId }) => pairId));
  const { workspace } = context;
  const [pair] = before.pairs ?? [];
  if (pair === undefined) throw new Error('the example has no pair');
  expect(pair.chosen).toBe(workspace.samples.ofPairs(noted.slice(0, 1)).turns[0]?.chosen);
  const review = { pairId: pair.pairId, reviewer: 'a', blind: false, milliseconds: 1 };
  workspace.reviews.append({ ...review, edit: { chosen: 'Another answer.' } });
  expect(await itemDocument(context, 1, 0)).toEqual(before);
});
