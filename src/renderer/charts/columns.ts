import type { Point } from './series.ts';

/** A curve's places and values as numbers side by side: twenty thousand points are gone through in a fraction of a millisecond. */
export interface Columns {
  readonly x: Float64Array;
  readonly y: Float64Array;
}

interface Kept {
  x: Float64Array;
  y: Float64Array;
  length: number;
  last: Point;
}

/** By the first point of a curve, which stays the same object while the curve grows. */
const kept = new WeakMap<Point, Kept>();

/** The columns of a curve. A curve that grew at its end since the last call costs only what is new. */
export function columnsOf(points: readonly Point[]): Columns {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return { x: new Float64Array(0), y: new Float64Array(0) };
  const before = kept.get(first);
  const grew = before !== undefined && points[before.length - 1] === before.last;
  const columns: Kept = grew ? before : { x: new Float64Array(0), y: new Float64Array(0), length: 0, last };
  if (columns.x.length < points.length) {
    const [x, y] = [columns.x, columns.y];
    const room = Math.ceil(points.length * 1.25);
    columns.x = new Float64Array(room);
    columns.y = new Float64Array(room);
    columns.x.set(x);
    columns.y.set(y);
  }
  for (let i = columns.length; i < points.length; i++) {
    const point = points[i] ?? last;
    columns.x[i] = point.x;
    columns.y[i] = point.y;
  }
  columns.length = points.length;
  columns.last = last;
  kept.set(first, columns);
  return { x: columns.x.subarray(0, points.length), y: columns.y.subarray(0, points.length) };
}
