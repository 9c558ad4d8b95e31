import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { argmax } from '../../../src/main/engine/evaluation/multiple-choice/score.ts';
import { evaluate, evaluationItems } from '../../../src/main/services/evaluations.ts';
import { choiceSetPaths } from '../../../src/main/services/own-sets.ts';
import { choiceFormSchema } from '../../../src/shared/evaluation-tasks.ts';
import { open } from './fixtures.ts';

// The real model is not part of the repository; LONGHAND_SMOLLM2 names its folder.
const smollm2 = process.env['LONGHAND_SMOLLM2'];

/** What lm-evaluation-harness gave for the first questions of the same files, without and with worked examples. */
const expected = z
  .object({
    source: z.string(),
    runs: z.array(
      z.object({
        ...{ form: choiceFormSchema, fewShot: z.int(), results: z.record(z.string(), z.number()) },
        logLikelihoods: z.array(z.array(z.number())),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, '../../fixtures/multiple-choice/smollm2.json'), 'utf8')));

const detailSchema = z.object({ acc: z.number(), logLikelihoods: z.array(z.number()) });

describe.runIf(smollm2 !== undefined)(`agreement with ${expected.source}`, () => {
  test.each(expected.runs)('$form, $fewShot examples', { timeout: 1_800_000 }, async (run) => {
    const { form, fewShot, results, logLikelihoods: theirs } = run;
    const context = open();
    const [outcome] = await evaluate(context, {
      source: { kind: 'base', modelDir: smollm2 ?? '' },
      tasks: [{ kind: 'multiple_choice', name: form, form, fewShot, ...choiceSetPaths(form), limit: theirs.length }],
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
