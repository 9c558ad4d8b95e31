import { linearScale, logScale } from './axis.ts';
import type { Scale } from './axis.ts';
import type { Point } from './series.ts';
import { clippedRange, downsample } from './series.ts';

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
export const mostPoints = 600;

const finite = ({ y }: Point): boolean => Number.isFinite(y);
const positive = ({ y }: Point): boolean => Number.isFinite(y) && y > 0;
const drawable = (log: boolean): ((point: Point) => boolean) => (log ? positive : finite);

/** The part of a curve in sight, with one point more at each side so that lines run to the edge. */
function within(points: readonly Point[], range: Range | undefined): readonly Point[] {
  if (range === undefined) return points;
  const from = points.findIndex(({ x }) => x >= range[0]);
  const to = points.findLastIndex(({ x }) => x <= range[1]);
  return from === -1 ? [] : points.slice(Math.max(0, from - 1), to + 2);
}

/**
 * What a chart draws of curves and their smoothed values: cut to `range`, each curve thinned out to its share of `most`.
 * All curves keep a value at every x that one of them keeps (where they have one).
 */
export function chartRows(
  curves: readonly { readonly raw: readonly Point[]; readonly smoothed: readonly Point[] }[],
  log: boolean,
  range?: Range,
  most = mostPoints,
): readonly Row[] {
  const share = Math.max(3, Math.floor(most / Math.max(1, curves.length)));
  const kept = new Set<number>();
  for (const { raw } of curves) {
    const seen = within(raw.filter(drawable(log)), range);
    for (const { x } of downsample(seen, share)) kept.add(x);
  }
  const rows = new Map<number, Record<string, number> & { x: number }>();
  for (const [c, { raw, smoothed }] of curves.entries()) {
    for (const [i, point] of raw.entries()) {
      if (!kept.has(point.x) || !drawable(log)(point)) continue;
      let row = rows.get(point.x);
      if (row === undefined) rows.set(point.x, (row = { x: point.x }));
      row[`r${c}`] = point.y;
      row[`s${c}`] = smoothed[i]?.y ?? point.y;
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

/** The index of the nearest of `count` sorted places to `x`; -1 where there is none. */
export function nearest(count: number, placeOf: (index: number) => number, x: number): number {
  let [low, high] = [0, count - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (placeOf(middle) < x) low = middle + 1;
    else high = middle;
  }
  return low > 0 && x - placeOf(low - 1) <= placeOf(low) - x ? low - 1 : Math.min(low, count - 1);
}
