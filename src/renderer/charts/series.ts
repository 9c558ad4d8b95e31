import type { Columns } from './columns.ts';

/** One point of a curve. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Values times a factor, for an axis in another unit. */
export function scaled(points: readonly Point[], factor = 1): readonly Point[] {
  return factor === 1 ? points : points.map(({ x, y }) => ({ x, y: y * factor }));
}

/**
 * Values as an exponential moving average with weight `smoothing` (0 = none) on the past, corrected for its start (as
 * Adam's). What is not finite stays as it is and does not count.
 */
export function smooth(values: Float64Array, smoothing: number): Float64Array {
  const smoothed = new Float64Array(values.length);
  let [sum, weight] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const y = values[i] ?? NaN;
    if (Number.isFinite(y)) {
      sum = smoothing * sum + (1 - smoothing) * y;
      weight = smoothing * weight + (1 - smoothing);
    }
    smoothed[i] = Number.isFinite(y) ? sum / weight : y;
  }
  return smoothed;
}

/**
 * Indices of at most `limit` points that keep a curve's look: largest triangle three buckets (Steinarsson 2013). First
 * and last point stay; of each bucket the point with the largest triangle to its neighbours. Values must be finite.
 */
export function thin({ x, y }: Columns, limit: number): readonly number[] {
  const count = x.length;
  if (count <= limit || limit < 3) return Array.from(x, (_, i) => i);
  const at = (column: Float64Array, i: number): number => column[i] ?? 0;
  const indices = [0];
  const size = (count - 2) / (limit - 2);
  let before = 0;
  for (let bucket = 0; bucket < limit - 2; bucket++) {
    const from = Math.floor(bucket * size) + 1;
    const to = Math.floor((bucket + 1) * size) + 1;
    const end = Math.max(to + 1, Math.min(Math.floor((bucket + 2) * size) + 1, count));
    let [nextX, nextY] = [0, 0];
    for (let i = to; i < end; i++) {
      nextX += at(x, i) / (end - to);
      nextY += at(y, i) / (end - to);
    }
    const [beforeX, beforeY] = [at(x, before), at(y, before)];
    let best = from;
    let largest = -1;
    for (let i = from; i < to; i++) {
      const area = Math.abs((beforeX - nextX) * (at(y, i) - beforeY) - (beforeX - at(x, i)) * (nextY - beforeY));
      if (area > largest) {
        largest = area;
        best = i;
      }
    }
    indices.push(best);
    before = best;
  }
  indices.push(count - 1);
  return indices;
}

/** Of more values than this every n-th is enough to tell where the outermost percent lies. */
const quantileSample = 4000;

/** The range that leaves out the outermost percent of finite values at each end, with a little room. */
export function clippedRange(values: readonly number[]): readonly [low: number, high: number] | undefined {
  if (values.length < 20) return undefined;
  const every = Math.ceil(values.length / quantileSample);
  const sorted = Float64Array.from(
    { length: Math.ceil(values.length / every) },
    (_, i) => values[i * every] ?? 0,
  ).sort();
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  const [low, high] = [at(0.01), at(0.99)];
  const room = 0.05 * (high - low);
  return [low - room, high + room];
}
