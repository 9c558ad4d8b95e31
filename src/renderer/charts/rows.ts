import { linearScale, logScale } from './axis.ts';
import type { Scale } from './axis.ts';
import type { Columns } from './columns.ts';
import { clippedRange, thin } from './series.ts';

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

const drawable = (log: boolean): ((value: number | undefined) => boolean) =>
  log ? (value) => Number.isFinite(value) && Number(value) > 0 : Number.isFinite;

/** The index of the first place at or after `x`; places are sorted. */
function firstFrom(places: Float64Array, x: number): number {
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((places[middle] ?? Infinity) < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The index behind the last place at or before `x`. */
function behind(places: Float64Array, x: number): number {
  let at = firstFrom(places, x);
  while (places[at] === x) at++;
  return at;
}

/** The part of a curve in sight that can be drawn, with one point more at each side so that lines run to the edge. */
function inSight(
  { x, y }: Columns,
  range: Range | undefined,
  canDraw: (value: number | undefined) => boolean,
): Columns {
  const from = range === undefined ? 0 : Math.max(0, firstFrom(x, range[0]) - 1);
  const to = range === undefined ? x.length : Math.min(x.length, behind(x, range[1]) + 1);
  const part = { x: x.subarray(from, to), y: y.subarray(from, to) };
  if (range !== undefined && firstFrom(x, range[0]) === x.length) return { x: x.subarray(0, 0), y: y.subarray(0, 0) };
  if (part.y.every(canDraw)) return part;
  return { x: part.x.filter((_, i) => canDraw(part.y[i])), y: part.y.filter(canDraw) };
}

/**
 * What a chart draws of curves and their smoothed values: cut to `range`, each curve thinned out to its share of `most`.
 * All curves keep a value at every x that one of them keeps (where they have one). Twenty thousand steps are looked at
 * four times a second, so nothing is made for points that are not drawn.
 */
export function chartRows(
  curves: readonly { readonly raw: Columns; readonly smoothed: Float64Array }[],
  log: boolean,
  range?: Range,
  most = mostPoints,
): readonly Row[] {
  const share = Math.max(3, Math.floor(most / Math.max(1, curves.length)));
  const canDraw = drawable(log);
  const kept = new Set<number>();
  for (const { raw } of curves) {
    const seen = inSight(raw, range, canDraw);
    for (const i of thin(seen, share)) kept.add(seen.x[i] ?? 0);
  }
  const rows: (Record<string, number> & { x: number })[] = [...kept].sort((a, b) => a - b).map((x) => ({ x }));
  for (const [c, { raw, smoothed }] of curves.entries()) {
    for (const row of rows) {
      const i = firstFrom(raw.x, row.x);
      const value = raw.y[i];
      if (raw.x[i] !== row.x || value === undefined || !canDraw(value)) continue;
      row[`r${c}`] = value;
      row[`s${c}`] = smoothed[i] ?? value;
    }
  }
  return rows;
}

/** The y axis for what is in sight; undefined while there is nothing to draw. */
export function yScale(
  curves: readonly Columns[],
  { log, clip }: Pick<ChartOptions, 'log' | 'clip'>,
  range?: Range,
): Scale | undefined {
  const canDraw = drawable(log);
  const values: number[] = [];
  let [low, high] = [Infinity, -Infinity];
  for (const { x, y } of curves) {
    const [from, to] = range === undefined ? [0, x.length] : [firstFrom(x, range[0]), behind(x, range[1])];
    for (let i = from; i < to; i++) {
      const value = y[i];
      if (value === undefined || !canDraw(value)) continue;
      values.push(value);
      if (value < low) low = value;
      if (value > high) high = value;
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
