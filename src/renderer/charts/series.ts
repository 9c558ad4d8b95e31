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
 * The points' values as an exponential moving average with weight `smoothing` (0 = none) on the past, corrected for its
 * start (as Adam's). What is not finite stays as it is and does not count.
 */
export function smooth(points: readonly Point[], smoothing: number): Float64Array {
  const values = new Float64Array(points.length);
  let [sum, weight] = [0, 0];
  for (let i = 0; i < points.length; i++) {
    const y = points[i]?.y ?? NaN;
    if (Number.isFinite(y)) {
      sum = smoothing * sum + (1 - smoothing) * y;
      weight = smoothing * weight + (1 - smoothing);
    }
    values[i] = Number.isFinite(y) ? sum / weight : y;
  }
  return values;
}

/**
 * At most `limit` points that keep a curve's look: largest triangle three buckets (Steinarsson 2013). First and last
 * point stay; of each bucket the point with the largest triangle to its neighbours.
 */
export function downsample<P extends Point>(points: readonly P[], limit: number): readonly P[] {
  const first = points[0];
  const last = points.at(-1);
  if (points.length <= limit || limit < 3 || first === undefined || last === undefined) return points;
  const kept: P[] = [first];
  const size = (points.length - 2) / (limit - 2);
  for (let bucket = 0; bucket < limit - 2; bucket++) {
    const from = Math.floor(bucket * size) + 1;
    const to = Math.floor((bucket + 1) * size) + 1;
    const end = Math.max(to + 1, Math.min(Math.floor((bucket + 2) * size) + 1, points.length));
    let [nextX, nextY] = [0, 0];
    for (let i = to; i < end; i++) {
      nextX += (points[i]?.x ?? 0) / (end - to);
      nextY += (points[i]?.y ?? 0) / (end - to);
    }
    const before = kept.at(-1) ?? first;
    let best = points[from] ?? last;
    let largest = -1;
    for (let i = from; i < to; i++) {
      const point = points[i] ?? last;
      const area = Math.abs((before.x - nextX) * (point.y - before.y) - (before.x - point.x) * (nextY - before.y));
      if (area > largest) {
        largest = area;
        best = point;
      }
    }
    kept.push(best);
  }
  kept.push(last);
  return kept;
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
