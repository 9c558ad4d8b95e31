import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { helmetFigures, helmetParsed, helmetScores } from '../../../../../src/main/engine/evaluation/metrics/helmet.ts';
import {
  infiniteChoiceRight,
  infiniteQaScore,
  infiniteSummaryScore,
} from '../../../../../src/main/engine/evaluation/metrics/infinitebench.ts';
import { longBenchScore, longBenchV2Choice } from '../../../../../src/main/engine/evaluation/metrics/longbench.ts';
import type { LongBenchMetric } from '../../../../../src/main/engine/evaluation/metrics/longbench.ts';
import { porterStem } from '../../../../../src/main/engine/evaluation/metrics/porter-stemmer.ts';

const pair = z.array(z.tuple([z.int(), z.int(), z.number()]));
const several = z.array(z.tuple([z.int(), z.array(z.int()), z.number()]));
const texts = z.array(z.string());
const fixture = z
  .object({
    ...{ source: z.string(), strings: texts, code: texts, classes: texts, paragraphs: texts, numbers: texts },
    ...{ labels: z.array(texts), prefixes: texts },
    ...{ qaF1: pair, rougeL: pair, classification: pair, retrieval: pair, count: pair, codeSim: pair },
    ...{ infiniteChoice: pair, infiniteQa: several, infiniteSum: several },
    helmet: z.array(z.tuple([z.int(), z.array(z.int()), z.array(z.number())])),
    parsed: z.array(z.tuple([z.int(), z.int(), z.string()])),
    v2: z.array(z.tuple([z.int(), z.string().nullable()])),
    stems: z.array(z.tuple([z.string(), z.string()])),
  })
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, '../../../../fixtures/evaluation/metrics.json'), 'utf8')));

const { strings } = fixture;
const at = (list: readonly string[], index: number): string => list[index] ?? 'missing';
const show = (given: string, gold: unknown): string => JSON.stringify([given, gold]);

/** Compares values and names the strings of the first one that differs. */
function same(cases: readonly { readonly what: string; readonly ours: unknown; readonly theirs: unknown }[]): void {
  expect(cases.length).toBeGreaterThanOrEqual(200);
  const wrong = cases.filter(({ ours, theirs }) =>
    typeof ours === 'number' && typeof theirs === 'number' ? !(Math.abs(ours - theirs) < 1e-12) : ours !== theirs,
  );
  expect(wrong.slice(0, 3)).toEqual([]);
}

describe(fixture.source, () => {
  const longBench: readonly [LongBenchMetric, z.infer<typeof pair>, readonly string[], readonly string[]][] = [
    ['qa_f1', fixture.qaF1, strings, strings],
    ['rouge_l', fixture.rougeL, strings, strings],
    ['classification', fixture.classification, strings, fixture.classes],
    ['retrieval', fixture.retrieval, strings, fixture.paragraphs],
    ['count', fixture.count, strings, fixture.numbers],
    ['code_sim', fixture.codeSim, fixture.code, fixture.code],
  ];
  test.each(longBench)('LongBench: %s', (metric, cases, given, golds) => {
    same(
      cases.map(([i, j, theirs]) => {
        const [answer, gold] = [at(given, i), at(golds, j)];
        const options = { classes: fixture.classes, firstLine: false };
        return { what: show(answer, gold), ours: longBenchScore(metric, answer, [gold], options), theirs };
      }),
    );
  });

  test('LongBench v2: the choice', () => {
    same(fixture.v2.map(([i, theirs]) => ({ what: at(strings, i), ours: longBenchV2Choice(at(strings, i)), theirs })));
  });

  test('InfiniteBench: En.QA, En.Sum, En.MC', () => {
    const golds = (indices: readonly number[]): string[] => indices.map((j) => at(strings, j));
    same(
      fixture.infiniteQa.map(([i, js, theirs]) => ({
        ...{ what: show(at(strings, i), golds(js)), ours: infiniteQaScore(at(strings, i), golds(js)), theirs },
      })),
    );
    same(
      fixture.infiniteSum.map(([i, js, theirs]) => ({
        ...{ what: show(at(strings, i), golds(js)), ours: infiniteSummaryScore(at(strings, i), golds(js)), theirs },
      })),
    );
    same(
      fixture.infiniteChoice.map(([i, j, theirs]) => {
        const label = fixture.labels[j] ?? [];
        const ours = infiniteChoiceRight(at(strings, i), label) ? 1 : 0;
        return { what: show(at(strings, i), label), ours, theirs };
      }),
    );
  });

  test('HELMET: every figure, and the part of the output that is looked at', () => {
    for (const [k, name] of helmetFigures.entries()) {
      same(
        fixture.helmet.map(([i, js, theirs]) => {
          const golds = js.map((j) => at(strings, j));
          const ours = helmetScores(at(strings, i), golds)[name];
          return { what: show(name, [at(strings, i), golds]), ours, theirs: theirs[k] };
        }),
      );
    }
    same(
      fixture.parsed.map(([i, j, theirs]) => {
        const [output, prefix] = [at(strings, i), at(fixture.prefixes, j)];
        return { what: show(output, prefix), ours: helmetParsed(output, prefix), theirs };
      }),
    );
  });

  test('stems', () => {
    same(fixture.stems.map(([word, theirs]) => ({ what: word, ours: porterStem(word), theirs })));
  });
});
