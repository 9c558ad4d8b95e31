import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { cohenKappa, fleissKappa } from '../../../src/shared/audit/kappa.ts';
import type { Kappa } from '../../../src/shared/audit/kappa.ts';
import { wilson } from '../../../src/shared/wilson.ts';

interface Expected {
  readonly cohen: readonly { matrix: number[][]; kappa: number; standard_error: number }[];
  readonly fleiss: readonly { table: number[][]; kappa: number; standard_error: number }[];
  readonly wilson: readonly { successes: number; n: number; low: number; high: number }[];
}
const expected = JSON.parse(
  readFileSync(new URL('../../fixtures/agreement/expected.json', import.meta.url), 'utf8'),
) as Expected;

const errorOf = ({ value, low }: Kappa): number => ((value ?? NaN) - (low ?? NaN)) / 1.959963984540054;

test("Cohen's kappa and its standard error are those of scikit-learn and statsmodels", () => {
  for (const { matrix, kappa, standard_error } of expected.cohen) {
    const found = cohenKappa(matrix);
    expect(found.value).toBeCloseTo(kappa, 12);
    expect(errorOf(found)).toBeCloseTo(standard_error, 10);
    expect(found.n).toBe(matrix.flat().reduce((sum, count) => sum + count, 0));
  }
});

test("Fleiss' kappa is that of statsmodels, its standard error that of irrCAC", () => {
  for (const { table, kappa, standard_error } of expected.fleiss) {
    const found = fleissKappa(table);
    expect(found.value).toBeCloseTo(kappa, 12);
    expect(errorOf(found)).toBeCloseTo(standard_error, 6);
    expect(found.n).toBe(table.length);
  }
});

test("Wilson's interval is that of statsmodels", () => {
  for (const { successes, n, low, high } of expected.wilson) {
    expect(wilson(successes, n).low).toBeCloseTo(low, 12);
    expect(wilson(successes, n).high).toBeCloseTo(high, 12);
  }
});

test('where there is nothing to tell from chance there is no kappa', () => {
  const none = { value: null, low: null, high: null, standardError: null };
  expect(cohenKappa([])).toEqual({ ...none, n: 0 });
  expect(cohenKappa([[0, 0], [0, 0]])).toEqual({ ...none, n: 0 }); // prettier-ignore
  expect(cohenKappa([[7, 0], [0, 0]])).toEqual({ ...none, n: 7 }); // prettier-ignore
  expect(cohenKappa([[3, 0], [0, 4]])).toMatchObject({ value: 1, low: 1, high: 1 }); // prettier-ignore
  expect(fleissKappa([])).toEqual({ ...none, n: 0 });
  expect(fleissKappa([[3, 0], [3, 0]])).toEqual({ ...none, n: 2 }); // prettier-ignore
  expect(fleissKappa([[2, 1]])).toMatchObject({ low: null, high: null, n: 1 });
  expect(() => fleissKappa([[2, 1], [2, 0]])).toThrow('same number'); // prettier-ignore
});
