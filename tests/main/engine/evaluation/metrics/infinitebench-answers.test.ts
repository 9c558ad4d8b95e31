import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  infiniteChoiceRight,
  infiniteQaScore,
  infiniteSummaryScore,
} from '../../../../../src/main/engine/evaluation/metrics/infinitebench.ts';

// The answers that InfiniteBench's authors publish (their repository's folder `results`) are not part of this one.
const results = process.env['LONGHAND_INFINITEBENCH'];

const goldSchema = z.union([z.string().transform((one) => [one]), z.array(z.string())]).optional();
const answerSchema = z
  .looseObject({ prediction: z.string().optional(), pred: z.string().optional() })
  .extend({ ground_truth: goldSchema, label: goldSchema })
  .transform(({ prediction, pred, ground_truth, label }) => ({
    answer: prediction ?? pred ?? 'NO PREDICTION',
    golds: ground_truth ?? label ?? [],
  }));

/** Percent that OpenBMB/InfiniteBench 88b3daa, src/compute_scores.py, gives: En.MC, En.QA, En.Sum. */
const theirs: Readonly<Record<string, readonly [number, number, number]>> = {
  chatglm3: [10.480349344978166, 3.6214391523856726, 0.837213864463822],
  claude2: [62.88209606986899, 11.96946686519564, 14.49643286587142],
  gpt4: [67.24890829694323, 22.444908543708625, 14.728596576254034],
  kimi: [72.48908296943232, 16.52309152023699, 17.95960654171602],
  'yarn-mistral': [27.94759825327511, 9.551657515196093, 9.056026511005053],
  'yi-34b-200k': [38.427947598253276, 12.173033182433974, 1.3337594763344984],
  'yi-6b-200k': [36.68122270742358, 9.200412198158386, 0.9231122345027071],
};

describe.runIf(results !== undefined)("InfiniteBench's published answers", () => {
  test.each(Object.entries(theirs))('%s', (model, figures) => {
    const percent = (task: string, score: (answer: string, golds: readonly string[]) => number): number => {
      const path = join(results ?? '', model, `preds_longbook_${task}_eng.jsonl`);
      const rows = readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => answerSchema.parse(JSON.parse(line)));
      return (100 * rows.reduce((sum, { answer, golds }) => sum + score(answer, golds), 0)) / rows.length;
    };
    const ours = [
      percent('choice', (answer, label) => (infiniteChoiceRight(answer, label) ? 1 : 0)),
      percent('qa', infiniteQaScore),
      percent('sum', infiniteSummaryScore),
    ];
    for (const [i, figure] of figures.entries()) expect(ours[i]).toBeCloseTo(figure, 9);
  });
});
