import { expect, test } from 'vitest';
import {
  labelErrorCsv,
  labelErrorMarkdown,
  lengthName,
  twoReviewersCsv,
  twoReviewersMarkdown,
} from '../../src/renderer/pages/agreement/report-tables.ts';
import { twoReviewers } from '../../src/shared/audit/agreement.ts';
import { labelErrors } from '../../src/shared/audit/label-errors.ts';
import type { Opinion } from '../../src/shared/audit/label-errors.ts';

const opinion = (pairId: number, verdict: Opinion['verdict']): Opinion => ({
  ...{ pairId, reviewer: 'ann', verdict, reviewId: pairId, blind: true, documentId: 1, documentType: 'txt' },
  ...{ documentCharacters: 500, draw: null },
  origin: { jobId: 2, generation: '=a | "b"', modelFingerprint: 'f', model: 'base' },
});
const report = labelErrors([opinion(1, 'chosen_better'), opinion(2, 'both_bad')], 9, { lengthEdges: [1000] });

test('label errors as CSV: unrounded, and what looks like a formula or holds a comma stays text', () => {
  const lines = labelErrorCsv(report).split('\n');
  expect(lines).toHaveLength(6);
  expect(lines[1]).toMatch(/^all,all reviewed pairs,2,0\.5,0\.09453\d{8,},0\.9054\d{8,},0,0,/);
  expect(lines[4]).toContain('generation,"#2 =a | ""b"", base",2,');
});

test('label errors as Markdown: a table, the sample, the warnings and the source', () => {
  const text = labelErrorMarkdown(report, 'Sample: 2 of 9.', ['Small.']);
  expect(text).toContain('| all reviewed pairs | 2 | 50.0% [9.5%, 90.5%] | 0.0% [0.0%, 65.8%] |');
  expect(text).toContain('#2 =a \\| "b", base');
  expect(text).toMatch(/Sample: 2 of 9\.\nSmall\.\nIntervals: Wilson score interval \(Wilson 1927/);
});

test('two reviewers: matrix, kappa and agreement with their sources', () => {
  const two = twoReviewers(
    ['ann', 'bob'],
    [
      { first: 'both_good', second: 'both_good', pairs: 2 },
      { first: 'both_bad', second: 'both_good', pairs: 1 },
      { first: 'both_bad', second: 'both_bad', pairs: 1 },
      { first: 'broken_instruction', second: 'broken_instruction', pairs: 1 },
    ],
  );
  // By hand: (4/5 - 9/25) / (1 - 9/25).
  expect(two.kappa.value).toBeCloseTo(0.6875, 12);
  const csv = twoReviewersCsv(two).split('\n');
  expect(csv[0]).toMatch(/^ann \\ bob,chosen_better,/);
  expect(csv[4]).toBe('both_bad,0,0,1,1,0');
  expect(csv.at(-2)).toMatch(/^cohen_kappa,0\.68[78]\d*,/);
  const markdown = twoReviewersMarkdown({ ...two, blind: 5 });
  expect(markdown).toContain('| both bad | 0 | 0 | 1 | 1 | 0 |');
  expect(markdown).toContain('Fleiss, Cohen and Everitt 1969');
});

test('names of lengths', () => {
  expect([lengthName(0, 16_000), lengthName(16_000, 64_000), lengthName(1_000_000, null)]).toEqual([
    'under 16K characters',
    '16K to 64K characters',
    '1M characters and more',
  ]);
});
