import { expect, test } from 'vitest';
import { reviewerAgreement } from '../../../src/shared/audit/agreement.ts';
import type { Draw } from '../../../src/shared/audit/draw.ts';
import { labelErrors } from '../../../src/shared/audit/label-errors.ts';
import type { Opinion } from '../../../src/shared/audit/label-errors.ts';
import type { Verdict } from '../../../src/shared/pairs.ts';

const edges = { lengthEdges: [1000, 10_000] };
const random: Draw = { order: 'random', seed: 4, filter: { queue: 'unreviewed' }, picked: false };
let reviewId = 0;

function opinion(pairId: number, verdict: Verdict, extra: Partial<Opinion> = {}): Opinion {
  reviewId += 1;
  return {
    ...{ pairId, reviewer: 'ann', verdict, reviewId, blind: true, documentType: 'txt', documentCharacters: 500 },
    documentId: pairId,
    origin: { jobId: 1, generation: 'first', modelFingerprint: 'model-a', model: null },
    draw: random,
    ...extra,
  };
}

test('the error rate counts every verdict but "chosen better", by type and by length', () => {
  const report = labelErrors(
    [
      opinion(1, 'chosen_better'),
      opinion(2, 'rejected_better', { documentType: 'md', documentCharacters: 1000 }),
      opinion(3, 'both_good', { blind: false }),
      opinion(4, 'chosen_better', { documentCharacters: 999 }),
      opinion(5, 'skipped'),
    ],
    20,
    edges,
  );
  expect(report).toMatchObject({ n: 4, blind: 3, disagreed: 0 });
  expect(report.verdicts).toEqual({
    chosen_better: 2,
    rejected_better: 1,
    both_good: 1,
    both_bad: 0,
    broken_instruction: 0,
  });
  // statsmodels: proportion_confint(2, 4, method='wilson'), (1, 4)
  expect(report.error).toMatchObject({ value: 0.5, n: 4 });
  expect(report.error?.low).toBeCloseTo(0.15003898915214947, 12);
  expect(report.error?.high).toBeCloseTo(0.8499610108478506, 12);
  expect(report.reversed?.value).toBe(0.25);
  expect(report.byDocumentType.map(({ documentType, n, error }) => [documentType, n, error?.value])).toEqual([
    ['md', 1, 1],
    ['txt', 3, 1 / 3],
  ]);
  expect(report.byLength.map(({ from, to, n, error }) => [from, to, n, error?.value ?? null])).toEqual([
    [0, 1000, 3, 1 / 3],
    [1000, 10_000, 1, 1],
    [10_000, null, 0, null],
  ]);
  expect(report.sampling).toMatchObject({ kind: 'random', representative: true, population: 20, skipped: 1 });
});

test('the latest judgement stands for a pair, also where a skip is later', () => {
  const report = labelErrors(
    [
      opinion(1, 'rejected_better', { reviewer: 'bob' }),
      opinion(1, 'chosen_better'),
      opinion(1, 'skipped', { reviewer: 'eve' }),
    ],
    1,
    edges,
  );
  expect(report).toMatchObject({ n: 1, disagreed: 1, error: { value: 0 }, sampling: { kind: 'census', skipped: 0 } });
});

test('how the pairs were drawn decides whether the rate speaks for all pairs', () => {
  const kindOf = (...draws: (Draw | null)[]) => {
    const { kind, representative } = labelErrors(
      draws.map((draw, i) => opinion(i + 1, 'chosen_better', { draw })),
      99,
      edges,
    ).sampling;
    return `${kind} ${representative}`;
  };
  const filtered: Draw = { ...random, filter: { queue: 'unreviewed', documentType: 'md' } };
  const inOrder: Draw = { ...random, order: 'made' };
  expect(kindOf()).toBe('unknown false');
  expect(kindOf(random, { ...random, seed: 5 })).toBe('random true');
  expect(kindOf(filtered, filtered)).toBe('random_within_filters true');
  expect(kindOf(filtered, { ...random, filter: { queue: 'flagged' } })).toBe('mixed false');
  expect(kindOf(random, filtered)).toBe('mixed false');
  expect(kindOf(inOrder, inOrder)).toBe('in_order false');
  expect(kindOf({ ...random, picked: true })).toBe('picked false');
  expect(kindOf(null)).toBe('unknown false');
  // In a bundle: in order through what was drawn at random, but not by hand or by a filter.
  expect(kindOf({ ...inOrder, bundle: random })).toBe('random true');
  expect(kindOf({ ...random, bundle: inOrder })).toBe('in_order false');
  expect(kindOf({ ...inOrder, picked: true, bundle: random })).toBe('picked false');
  expect(kindOf({ ...inOrder, filter: { queue: 'flagged' }, bundle: random })).toBe('in_order false');
});

test('two reviewers: agreement, matrix and disagreements; three: all of them together', () => {
  const two = [
    ...[1, 2, 3, 4, 5].map((pairId) => opinion(pairId, pairId < 4 ? 'chosen_better' : 'both_bad')),
    ...[1, 2, 3, 4].map((pairId) => opinion(pairId, pairId < 3 ? 'chosen_better' : 'both_bad', { reviewer: 'bob' })),
    opinion(5, 'skipped', { reviewer: 'bob' }),
  ];
  const report = reviewerAgreement(two, { reviewers: null });
  expect(report.reviewers).toEqual([{ reviewer: 'ann', pairs: 5 }, { reviewer: 'bob', pairs: 4 }]); // prettier-ignore
  expect(report.all).toBeNull();
  expect(report.two).toHaveLength(1);
  expect(report.two[0]).toMatchObject({ reviewers: ['ann', 'bob'], pairs: 4, agreement: { value: 0.75 } });
  expect(report.two[0]?.kappa.value).toBeCloseTo(0.5, 12); // sklearn: cohen_kappa_score([0,0,0,3],[0,0,3,3])
  expect(report.two[0]?.matrix[0]).toEqual([2, 0, 0, 1, 0]);
  expect(report.disagreements).toEqual([
    { pairId: 3, verdicts: [{ reviewer: 'ann', verdict: 'chosen_better' }, { reviewer: 'bob', verdict: 'both_bad' }] }, // prettier-ignore
  ]);

  const three = [...two, ...[1, 2, 3].map((pairId) => opinion(pairId, 'chosen_better', { reviewer: 'eve' }))];
  const all = reviewerAgreement(three, { reviewers: null });
  expect(all.two.map((part) => part.reviewers.join(' '))).toEqual(['ann bob', 'ann eve', 'bob eve']);
  expect(all.all?.pairs).toBe(3);
  expect(all.all?.kappa.value).toBeCloseTo(-0.125, 12); // statsmodels: fleiss_kappa([[3,0],[3,0],[2,1]])
  expect(reviewerAgreement(three, { reviewers: ['ann', 'nobody'] }).two[0]).toMatchObject({
    pairs: 0,
    agreement: null,
  });
});
