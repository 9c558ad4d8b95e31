import { metrics as metricInfo, isMetricName } from '../../shared/metrics.ts';
import type { MetricName, MetricRow } from '../../shared/metrics.ts';
import { lineChart } from './chart.ts';
import { bytes, duration, fixed, whole } from './format.ts';
import { textTable } from './text-table.ts';

/** Width where the output is no terminal, or one that does not know its size (0). */
const plainWidth = 80;

/** A value in its metric's unit, for a person. */
export function metricValue(key: MetricName, value: number): string {
  const { unit } = metricInfo[key];
  if (unit === 'bytes') return bytes(value);
  if (unit === 's') return duration(value);
  if (unit === 'tokens' || unit === 'tokens/s') return whole(value);
  return key === 'learning_rate' ? value.toExponential(2) : fixed(value, 4);
}

/** One value of each metric with its unit. */
export function metricTable(values: Readonly<Record<string, number>>): string {
  return textTable(
    [{ header: 'metric' }, { header: 'last value', align: 'right' }, { header: 'unit' }],
    Object.entries(values).flatMap(([key, value]) => {
      if (!isMetricName(key)) return [];
      const { unit } = metricInfo[key];
      const inValue = unit === 'bytes' || unit === 's';
      return [[key, metricValue(key, value), inValue ? '' : unit]];
    }),
  );
}

/** The values of a metric, by step. */
export function series(rows: readonly MetricRow[], key: MetricName): { x: number; y: number }[] {
  return rows.flatMap((row) => (row.key === key ? [{ x: row.step, y: row.value }] : [])).sort((a, b) => a.x - b.x);
}

/** A metric over the steps, as wide as the terminal. */
export function metricChart(rows: readonly MetricRow[], key: MetricName, columns?: number): string {
  const { label, unit } = metricInfo[key];
  return lineChart(series(rows, key), {
    title: label,
    unit,
    xLabel: 'step',
    width: Math.max(50, columns || plainWidth),
  });
}

/** The loss over the steps. */
export function lossChart(rows: readonly MetricRow[], columns?: number): string {
  return metricChart(rows, 'loss', columns);
}

/** Metrics as CSV: a row a step, a column a metric (all that occur, in the table's order), empty where there is none. */
export function metricsCsv(rows: readonly MetricRow[]): string {
  const bySteps = new Map<number, Map<string, number>>();
  for (const { step, key, value } of rows) {
    const values = bySteps.get(step) ?? new Map<string, number>();
    bySteps.set(step, values.set(key, value));
  }
  const present = new Set<string>(rows.map((row) => row.key));
  const keys = Object.keys(metricInfo).filter((key) => present.has(key));
  const lines = [...bySteps]
    .sort(([a], [b]) => a - b)
    .map(([step, values]) => [step, ...keys.map((key) => values.get(key) ?? '')].join(','));
  return `${[['step', ...keys].join(','), ...lines].join('\n')}\n`;
}
