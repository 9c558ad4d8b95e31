import type { MetricName } from '../../../shared/metrics.ts';
import type { XKind } from '../../charts/axis.ts';
import { placeOn } from '../../charts/axis.ts';
import { curvesCsv } from '../../charts/curves-csv.ts';
import type { Curves } from '../../charts/follow-metrics.ts';

/** Curves of several runs as CSV: a row for each x, a column for each run and metric, such as `run 3 loss`. */
export function comparedCsv(
  runs: readonly { readonly id: number; readonly curves: Curves }[],
  metrics: readonly MetricName[],
  x: XKind,
): string {
  return curvesCsv(
    x,
    metrics.flatMap((metric) =>
      runs.flatMap(({ id, curves }) => {
        const points = placeOn(curves.get(metric) ?? [], x, curves);
        return points.length === 0 ? [] : [{ name: `run ${id} ${metric}`, points }];
      }),
    ),
  );
}
