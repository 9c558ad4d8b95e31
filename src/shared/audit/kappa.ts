import { normal95 } from '../wilson.ts';

/** Agreement beyond chance with a 95% interval (large-sample); null where all ratings are alike or none are there. */
export interface Kappa {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** Of which the interval is made, before it is cut at -1 and 1; null as the interval. */
  readonly standardError: number | null;
  /** Items. */
  readonly n: number;
}

const undefinedKappa = (n: number): Kappa => ({ value: null, low: null, high: null, standardError: null, n });

function interval(value: number, standardError: number, n: number): Kappa {
  const half = normal95 * standardError;
  return { value, low: Math.max(-1, value - half), high: Math.min(1, value + half), standardError, n };
}

/**
 * Cohen's kappa of two raters (Cohen 1960), with the standard error of Fleiss, Cohen and Everitt (1969) as in
 * statsmodels' `cohens_kappa`.
 * @param matrix square: items that the first rater put into category `row` and the second into `column`
 */
export function cohenKappa(matrix: readonly (readonly number[])[]): Kappa {
  const size = matrix.length;
  const at = (i: number, j: number): number => matrix[i]?.[j] ?? 0;
  const all = Array.from({ length: size }, (_, i) => i);
  const rows = all.map((i) => all.reduce((sum, j) => sum + at(i, j), 0));
  const columns = all.map((j) => all.reduce((sum, i) => sum + at(i, j), 0));
  const n = rows.reduce((sum, count) => sum + count, 0);
  if (n === 0) return undefinedKappa(0);
  const row = (i: number): number => (rows[i] ?? 0) / n;
  const column = (j: number): number => (columns[j] ?? 0) / n;
  const observed = all.reduce((sum, i) => sum + at(i, i), 0) / n;
  const expected = all.reduce((sum, i) => sum + row(i) * column(i), 0);
  if (expected === 1) return undefinedKappa(n);
  const kappa = (observed - expected) / (1 - expected);

  let diagonal = 0;
  let rest = 0;
  for (const i of all) {
    diagonal += (at(i, i) / n) * (1 - (row(i) + column(i)) * (1 - kappa)) ** 2;
    for (const j of all) if (i !== j) rest += (at(i, j) / n) * (column(i) + row(j)) ** 2;
  }
  const chance = kappa - expected * (1 - kappa);
  const variance = (diagonal + (1 - kappa) ** 2 * rest - chance ** 2) / ((1 - expected) ** 2 * n);
  return interval(kappa, Math.sqrt(Math.max(0, variance)), n);
}

/**
 * Fleiss' kappa of three or more raters (Fleiss 1971) with Gwet's standard error (Gwet 2008, over the sampling of
 * items), as in irrCAC. Every item has the same number of ratings, at least two.
 * @param table items by categories: how many raters put the item there
 */
export function fleissKappa(table: readonly (readonly number[])[]): Kappa {
  const n = table.length;
  const raters = table[0]?.reduce((sum, count) => sum + count, 0) ?? 0;
  if (n === 0 || raters < 2) return undefinedKappa(n);
  if (table.some((item) => item.reduce((sum, count) => sum + count, 0) !== raters)) {
    throw new Error('every item needs the same number of ratings');
  }
  const categories = table[0]?.length ?? 0;
  const shares = Array.from(
    { length: categories },
    (_, k) => table.reduce((sum, item) => sum + (item[k] ?? 0), 0) / (n * raters),
  );
  const agreements = table.map(
    (item) => item.reduce((sum, count) => sum + count * (count - 1), 0) / (raters * (raters - 1)),
  );
  const observed = agreements.reduce((sum, agreement) => sum + agreement, 0) / n;
  const expected = shares.reduce((sum, share) => sum + share ** 2, 0);
  if (expected === 1) return undefinedKappa(n);
  const kappa = (observed - expected) / (1 - expected);
  if (n === 1) return { value: kappa, low: null, high: null, standardError: null, n };

  // Each item's value of the linearised kappa.
  const squares = table.reduce((sum, item, i) => {
    const chance = item.reduce((part, count, k) => part + (count / raters) * (shares[k] ?? 0), 0);
    const own = ((agreements[i] ?? 0) - expected) / (1 - expected);
    const linear = own - (2 * (1 - kappa) * (chance - expected)) / (1 - expected);
    return sum + (linear - kappa) ** 2;
  }, 0);
  return interval(kappa, Math.sqrt(squares / (n * (n - 1))), n);
}
