import type { Curves } from '../../charts/follow-metrics.ts';

/** All metrics of a run as CSV: one row a step, one column a metric, numbers unrounded. */
export function metricsCsv(curves: Curves): string {
  const names = [...curves.keys()].sort();
  const byStep = new Map<number, Map<string, number>>();
  for (const [name, points] of curves) {
    for (const { x, y } of points) {
      const row = byStep.get(x) ?? new Map<string, number>();
      row.set(name, y);
      byStep.set(x, row);
    }
  }
  const lines = [...byStep]
    .sort(([a], [b]) => a - b)
    .map(([step, row]) => [step, ...names.map((name) => row.get(name) ?? '')].join(','));
  return [['step', ...names].join(','), ...lines, ''].join('\n');
}
