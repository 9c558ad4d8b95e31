import { csvCell } from '../../shared/csv.ts';
import type { Point } from './series.ts';

/** Curves as CSV: a row for each x, a column for each curve, numbers unrounded, an empty cell where there is none. */
export function curvesCsv(
  xName: string,
  curves: readonly { readonly name: string; readonly points: readonly Point[] }[],
): string {
  const rows = new Map<number, (number | undefined)[]>();
  for (const [i, { points }] of curves.entries()) {
    for (const { x, y } of points) {
      let row = rows.get(x);
      if (row === undefined) rows.set(x, (row = []));
      row[i] = y;
    }
  }
  const lines = [...rows]
    .sort(([a], [b]) => a - b)
    .map(([x, row]) => [x, ...curves.map((_, i) => row[i] ?? '')].join(','));
  return [[xName, ...curves.map(({ name }) => name)].map(csvCell).join(','), ...lines, ''].join('\n');
}
