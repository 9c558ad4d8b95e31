import { expect, test } from 'vitest';
import { hrefOfComparison, mostRuns, runsOfAddress } from '../../src/renderer/pages/compare/address.ts';
import { comparedCsv } from '../../src/renderer/pages/compare/compared-csv.ts';
import type { MetricName } from '../../src/shared/metrics.ts';
import { figuresOf, headlineValue, setsOf } from '../../src/shared/evaluation-figures.ts';
import type { EvaluationRow } from '../../src/shared/evaluations.ts';

test('an address names each run once, and what is no number of a run is passed over', () => {
  expect(runsOfAddress({ runs: '3,1,3,x,-2,0,1.5,,7' })).toEqual([3, 1, 7]);
  expect(runsOfAddress({})).toEqual([]);
  expect(runsOfAddress({ runs: Array.from({ length: 40 }, (_, i) => i + 1).join(',') })).toHaveLength(mostRuns);
  expect(hrefOfComparison([3, 1])).toBe('#/compare?runs=3,1');
  expect(hrefOfComparison([])).toBe('#/compare');
});

test('curves of runs of other lengths share a table', () => {
  const curves = (...values: number[]) =>
    new Map<MetricName, { x: number; y: number }[]>([
      ['loss', values.map((y, i) => ({ x: i + 1, y }))],
      ['num_tokens', values.map((_, i) => ({ x: i + 1, y: 10 * (i + 1) }))],
    ]);
  const runs = [
    { id: 1, curves: curves(3, 2) },
    { id: 4, curves: curves(5) },
  ];
  expect(comparedCsv(runs, ['loss'], 'step')).toBe('step,run 1 loss,run 4 loss\n1,3,5\n2,2,\n');
  expect(comparedCsv(runs, ['loss'], 'tokens')).toBe('tokens,run 1 loss,run 4 loss\n10,3,5\n20,2,\n');
});

test('evaluations of one content are one set, whatever its name', () => {
  const row = (id: number, change: Partial<EvaluationRow>): EvaluationRow => ({
    ...{ id, setName: 'a', setSha256: 'x', kind: 'questions', modelFingerprint: 'm', runId: null, checkpointId: null },
    ...{ config: null, codeVersion: '1', seed: 0, status: 'finished', items: 4, createdAt: 0, endedAt: 1, error: null },
    summary: { accuracy: 0.5, 'accuracy/low': 0.2, 'accuracy/high': 0.8 },
    ...change,
  });
  const rows = [
    row(1, {}),
    row(2, { setName: 'b', runId: 1 }),
    row(3, { setSha256: 'y' }),
    row(4, { status: 'failed' }),
  ];
  expect(setsOf(rows).map(({ name, rows: list }) => [name, list.map(({ id }) => id)])).toEqual([
    ['b', [1, 2]],
    ['a', [3]],
  ]);
  expect(headlineValue(rows[0] as EvaluationRow)).toEqual({ value: 0.5, low: 0.2, high: 0.8, n: 4 });
  expect(headlineValue(row(5, { summary: null }))).toBeUndefined();
});

test('figures of a summary: the headline first, what has no interval left out', () => {
  const interval = (name: string, value: number) => ({ [name]: value, [`${name}/low`]: 0, [`${name}/high`]: 1 });
  const summary = { items: 7, tokens: 90, ...interval('accuracy/letters', 0.25), ...interval('accuracy', 0.5) };
  expect(figuresOf('questions', summary)).toEqual([
    { part: '', value: { value: 0.5, low: 0, high: 1, n: 7 } },
    { part: 'accuracy/letters', value: { value: 0.25, low: 0, high: 1, n: 7 } },
  ]);
  expect(figuresOf('of another kind', summary).map(({ part }) => part)).toEqual(['accuracy/letters', 'accuracy']);
});
