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

/** The index of the first point at or after `x`; points are sorted by x. */
function firstFrom(points: readonly Point[], x: number): number {
  let [low, high] = [0, points.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((points[middle]?.x ?? Infinity) < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The part of a curve in sight, with one point more at each side so that lines run to the edge. */
function within(points: readonly Point[], range: Range | undefined): readonly Point[] {
  if (range === undefined) return points;
  const from = firstFrom(points, range[0]);
  let to = firstFrom(points, range[1]);
  while (points[to]?.x === range[1]) to++;
  return from === points.length ? [] : points.slice(Math.max(0, from - 1), to + 1);
}

/**
 * What a chart draws of curves and their smoothed values: cut to `range`, each curve thinned out to its share of `most`.
 * All curves keep a value at every x that one of them keeps (where they have one). Twenty thousand steps are looked at
 * four times a second, so nothing is made for points that are not drawn.
 */
export function chartRows(
  curves: readonly { readonly raw: readonly Point[]; readonly smoothed: Float64Array }[],
  log: boolean,
  range?: Range,
  most = mostPoints,
): readonly Row[] {
  const share = Math.max(3, Math.floor(most / Math.max(1, curves.length)));
  const canDraw = drawable(log);
  const kept = new Set<number>();
  for (const { raw } of curves) {
    const seen = within(raw, range);
    for (const { x } of downsample(seen.every(canDraw) ? seen : seen.filter(canDraw), share)) kept.add(x);
  }
  const rows: (Record<string, number> & { x: number })[] = [...kept].sort((a, b) => a - b).map((x) => ({ x }));
  for (const [c, { raw, smoothed }] of curves.entries()) {
    for (const row of rows) {
      const i = firstFrom(raw, row.x);
      const point = raw[i];
      if (point?.x !== row.x || !canDraw(point)) continue;
      row[`r${c}`] = point.y;
      row[`s${c}`] = smoothed[i] ?? point.y;
    }
  }
  return rows;
}

/** The y axis for what is in sight; undefined while there is nothing to draw. */
export function yScale(
  curves: readonly (readonly Point[])[],
  { log, clip }: Pick<ChartOptions, 'log' | 'clip'>,
  range?: Range,
): Scale | undefined {
  const canDraw = drawable(log);
  const values: number[] = [];
  let [low, high] = [Infinity, -Infinity];
  for (const curve of curves) {
    const from = range === undefined ? 0 : firstFrom(curve, range[0]);
    for (let i = from; i < curve.length; i++) {
      const point = curve[i];
      if (point === undefined || (range !== undefined && point.x > range[1])) break;
      if (!canDraw(point)) continue;
      values.push(point.y);
      if (point.y < low) low = point.y;
      if (point.y > high) high = point.y;
    }
  }
  if (values.length === 0) return undefined;
  if (clip) {
    const clipped = clippedRange(values);
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
