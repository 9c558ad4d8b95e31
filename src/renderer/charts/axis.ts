import type { MetricName } from '../../shared/metrics.ts';
import type { Point } from './series.ts';

/** What the x axis counts. */
export const xKinds = ['step', 'epoch', 'tokens', 'time'] as const;
export type XKind = (typeof xKinds)[number];

/** The metric that says where a step lies on each axis; a step is its own place. */
const metricOf: Readonly<Record<Exclude<XKind, 'step'>, MetricName>> = {
  epoch: 'epoch',
  tokens: 'num_tokens',
  time: 'elapsed_seconds',
};

/**
 * Points over steps moved onto another axis. A step that the axis' metric does not name (held-out values may lie
 * between logged steps) takes the place of the last named step before it; points before the first one are left out.
 */
export function placeOn(
  points: readonly Point[],
  kind: XKind,
  curves: ReadonlyMap<MetricName, readonly Point[]>,
): readonly Point[] {
  if (kind === 'step') return points;
  const places = curves.get(metricOf[kind]) ?? [];
  const placed: Point[] = [];
  let at = -1;
  for (const { x, y } of points) {
    while ((places[at + 1]?.x ?? Infinity) <= x) at++;
    const place = places[at];
    if (place !== undefined) placed.push({ x: place.y, y });
  }
  return placed;
}

export interface Scale {
  readonly domain: readonly [low: number, high: number];
  readonly ticks: readonly number[];
}

/** A linear axis over [low, high]: ends and ticks on multiples of 1, 2 or 5 times a power of ten, `count` or a few more. */
export function linearScale(low: number, high: number, count = 5): Scale {
  // Below 1e-300 powers of ten are no longer exact, and nothing measured is that small.
  if (!(high - low > 1e-300)) {
    const room = Math.abs(low) < 1e-300 ? 1 : Math.abs(low) * 0.1;
    return linearScale(low - room, high + room, count);
  }
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough * 0.999) ?? 10);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  const digits = Math.max(0, 1 - Math.floor(Math.log10(step)));
  const ticks = Array.from({ length: last - first + 1 }, (_, i) =>
    // Multiples of 0.1 are not exact: 0.30000000000000004 is 0.3.
    digits <= 100 ? Number(((first + i) * step).toFixed(digits)) : (first + i) * step,
  );
  return { domain: [first * step, last * step], ticks };
}

/** A logarithmic axis over positive values: ticks at powers of ten, within less than two decades also at 2 and 5. */
export function logScale(low: number, high: number): Scale {
  if (high < low * 1.01) return logScale(low / 2, high * 2);
  const first = Math.floor(Math.log10(low) + 1e-9);
  const last = Math.max(first + 1, Math.ceil(Math.log10(high) - 1e-9));
  const factors = high / low > 100 ? [1] : [1, 2, 5];
  const every = Math.ceil((last - first) / 6);
  const ticks: number[] = [];
  for (let power = first; power <= last; power += every)
    for (const factor of factors) {
      const tick = Number(`${factor}e${power}`);
      if (tick <= 10 ** last * 1.0001) ticks.push(tick);
    }
  const below = ticks.findLast((tick) => tick <= low) ?? 10 ** first;
  const above = ticks.find((tick) => tick >= high) ?? 10 ** last;
  return { domain: [below, above], ticks: ticks.filter((tick) => tick >= below && tick <= above) };
}
