import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { evaluationSets } from '../../../scripts/evaluation-sets.ts';
import { argmax } from '../../../src/main/engine/evaluation/multiple-choice/score.ts';
import { comparedItems, evaluate, evaluationItems } from '../../../src/main/services/evaluations.ts';
import { choiceFormSchema } from '../../../src/shared/evaluation-tasks.ts';
import { demoModel, open } from './fixtures.ts';

const folder = join(import.meta.dirname, '../../../resources/evaluation/sets');

test('the sets are what their generator writes, without a question twice', () => {
  for (const [name, text] of Object.entries(evaluationSets())) {
    expect(readFileSync(join(folder, name), 'utf8')).toBe(text);
    const lines = text.trimEnd().split('\n');
    expect(new Set(lines).size).toBe(lines.length);
  }
});

const detailSchema = z.object({ acc: z.number(), logLikelihoods: z.array(z.number()) });

test('every form is measured, and the items stand side by side', async () => {
  const context = open();
  const tasks = choiceFormSchema.options.map((form) => ({
    ...{ kind: 'multiple_choice' as const, name: form, form, fewShot: 1, limit: 3 },
    ...{ path: join(folder, `${form}.jsonl`), examples: join(folder, `${form}-examples.jsonl`) },
  }));
  const outcomes = await evaluate(context, {
    ...{ source: { kind: 'base', modelDir: demoModel }, tasks, execution: { threads: 1 } },
  });
  expect(outcomes.map(({ row }) => [row.setName, row.items])).toEqual(
    choiceFormSchema.options.map((form) => [form, 3]),
  );
  for (const { row, summary } of outcomes) {
    expect('acc_norm' in summary).toBe(row.setName !== 'winogrande');
    for (const { detail } of evaluationItems(context, row.id).rows) {
      const { acc, logLikelihoods } = detailSchema.parse(detail);
      expect(argmax(logLikelihoods)).toBe(acc);
      for (const sum of logLikelihoods) expect(sum).toBeLessThan(0);
    }
  }
  const [item] = comparedItems(context, [1, 1], [2]);
  expect(item).toMatchObject({ index: 2, evidence: [], answers: [{}, {}] });
});

test('fewer worked examples than asked for are refused, not put up with', async () => {
  const context = open();
  const run = (form: 'arc' | 'mmlu', fewShot: number, examples = join(folder, `${form}-examples.jsonl`)) => {
    const task = { kind: 'multiple_choice' as const, name: form, form, fewShot, limit: 1 };
    const tasks = [{ ...task, path: join(folder, `${form}.jsonl`), examples }];
    return evaluate(context, { source: { kind: 'base', modelDir: demoModel }, tasks, execution: { threads: 1 } });
  };
  await expect(run('mmlu', 6)).rejects.toMatchObject({
    message: `${join(folder, 'mmlu-examples.jsonl')} has 5 worked examples about common_knowledge for row 1 of ${join(folder, 'mmlu.jsonl')}; 6 are asked for.`,
    place: { field: 'fewShot' },
  });
  await expect(run('arc', 26)).rejects.toMatchObject({
    message: expect.stringContaining('has 25 worked examples for row 1') as string,
  });
  await expect(run('arc', 100, join(folder, 'arc.jsonl'))).resolves.toBeDefined();
  expect(context.workspace.evaluations.count()).toBe(1);
});
