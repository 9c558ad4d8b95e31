import { linearScale, logScale } from './axis.ts';
import type { Scale } from './axis.ts';
import type { Point } from './series.ts';
import { clippedRange, downsample, smooth } from './series.ts';

/** How values are drawn. */
export interface ChartOptions {
  /** Weight of the past, 0 to below 1. */
  readonly smoothing: number;
  readonly log: boolean;
  readonly clip: boolean;
}

export type Range = readonly [low: number, high: number];

/** One x of a chart with every curve's raw (`r0`, `r1`, ...) and smoothed (`s0`, ...) value there. */
export interface Row {
  readonly x: number;
  readonly [key: `r${number}` | `s${number}`]: number;
}

/** Most points that a chart draws, over all its curves. */
export const mostPoints = 1000;

const drawable =
  (log: boolean) =>
  ({ y }: Point): boolean =>
    Number.isFinite(y) && (!log || y > 0);

/** The part of a curve in sight, with one point more at each side so that lines run to the edge. */
function within<P extends Point>(points: readonly P[], range: Range | undefined): readonly P[] {
  if (range === undefined) return points;
  const from = points.findIndex(({ x }) => x >= range[0]);
  const to = points.findLastIndex(({ x }) => x <= range[1]);
  return from === -1 ? [] : points.slice(Math.max(0, from - 1), to + 2);
}

/**
 * What a chart draws: curves smoothed over all their points, cut to `range`, each thinned out to its share of `most`.
 * All curves keep a value at every x that one of them keeps (where they have one), so that hovering shows them all.
 */
export function chartRows(
  curves: readonly (readonly Point[])[],
  { smoothing, log }: Pick<ChartOptions, 'smoothing' | 'log'>,
  range?: Range,
  most = mostPoints,
): readonly Row[] {
  const share = Math.max(3, Math.floor(most / Math.max(1, curves.length)));
  const seen = curves.map((points) => {
    const smoothed = smooth(points, smoothing);
    const whole = points.map(({ x, y }, i) => ({ x, y, smoothed: smoothed[i]?.y ?? y }));
    return within(whole.filter(drawable(log)), range);
  });
  const kept = new Set(seen.flatMap((points) => downsample(points, share).map(({ x }) => x)));
  const rows = new Map<number, Record<string, number> & { x: number }>();
  for (const [i, points] of seen.entries()) {
    for (const point of points) {
      if (!kept.has(point.x)) continue;
      let row = rows.get(point.x);
      if (row === undefined) rows.set(point.x, (row = { x: point.x }));
      row[`r${i}`] = point.y;
      row[`s${i}`] = point.smoothed;
    }
  }
  return [...rows.values()].sort((a, b) => a.x - b.x);
}

/** The y axis for what is in sight; undefined while there is nothing to draw. */
export function yScale(
  curves: readonly (readonly Point[])[],
  { log, clip }: Pick<ChartOptions, 'log' | 'clip'>,
  range?: Range,
): Scale | undefined {
  const points = curves.flatMap((curve) =>
    curve.filter(
      (point) => drawable(log)(point) && (range === undefined || (point.x >= range[0] && point.x <= range[1])),
    ),
  );
  if (points.length === 0) return undefined;
  let [low, high] = [Infinity, -Infinity];
  for (const { y } of points) {
    if (y < low) low = y;
    if (y > high) high = y;
  }
  if (clip) {
    const clipped = clippedRange(points);
    if (clipped !== undefined) [low, high] = [Math.max(low, clipped[0]), Math.min(high, clipped[1])];
  }
  return log ? logScale(low, high) : linearScale(low, high);
}

/** The index of the row nearest to `x`; -1 without rows. Rows are sorted by x. */
export function nearest(xs: readonly number[], x: number): number {
  let [low, high] = [0, xs.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((xs[middle] ?? 0) < x) low = middle + 1;
    else high = middle;
  }
  return low > 0 && x - (xs[low - 1] ?? 0) <= (xs[low] ?? Infinity) - x ? low - 1 : Math.min(low, xs.length - 1);
}
