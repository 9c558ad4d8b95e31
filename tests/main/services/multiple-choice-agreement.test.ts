import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { argmax } from '../../../src/main/engine/evaluation/multiple-choice/score.ts';
import { evaluate, evaluationItems } from '../../../src/main/services/evaluations.ts';
import { choiceFormSchema } from '../../../src/shared/evaluation-tasks.ts';
import { open } from './fixtures.ts';

// The real model is not part of the repository; LONGHAND_SMOLLM2 names its folder.
const smollm2 = process.env['LONGHAND_SMOLLM2'];
const folder = join(import.meta.dirname, '../../../resources/evaluation/sets');

/** What lm-evaluation-harness gave for the first questions of the same files, with no worked examples. */
const expected = z
  .object({
    source: z.string(),
    forms: z.partialRecord(
      choiceFormSchema,
      z.object({ results: z.record(z.string(), z.number()), logLikelihoods: z.array(z.array(z.number())) }),
    ),
  })
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, '../../fixtures/multiple-choice/smollm2.json'), 'utf8')));

const detailSchema = z.object({ acc: z.number(), logLikelihoods: z.array(z.number()) });

describe.runIf(smollm2 !== undefined)(`agreement with ${expected.source}`, () => {
  const forms = choiceFormSchema.options.filter((form) => expected.forms[form] !== undefined);
  test.each(forms)('%s: every choice, every log-likelihood, the figures', { timeout: 900_000 }, async (form) => {
    const { results, logLikelihoods: theirs } = expected.forms[form] ?? { results: {}, logLikelihoods: [] };
    expect(theirs.length).toBeGreaterThanOrEqual(100);
    const context = open();
    const [outcome] = await evaluate(context, {
      source: { kind: 'base', modelDir: smollm2 ?? '' },
      tasks: [{ kind: 'multiple_choice', name: form, form, path: join(folder, `${form}.jsonl`), limit: theirs.length }],
    });
    const items = evaluationItems(context, 1, { limit: 200 }).rows.map(({ detail }) => detailSchema.parse(detail));
    expect(items.map(({ acc }) => acc)).toEqual(theirs.map((sums) => argmax(sums)));
    const apart = items.flatMap(({ logLikelihoods }, i) =>
      logLikelihoods.map((sum, k) => Math.abs(sum - (theirs[i]?.[k] ?? Number.NaN))),
    );
    expect(Math.max(...apart)).toBeLessThan(2e-3);
    for (const [name, value] of Object.entries(results)) expect(outcome?.summary[name]).toBeCloseTo(value, 12);
  });
});
