export interface Bin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/**
 * Counts in `bins` ranges of equal ratio (lengths spread over orders of magnitude). The ranges reach from the shortest to
 * the longest length, and on to `include`, a length that has to be on the axis.
 */
export function histogram(values: readonly number[], bins = 24, include?: number): Bin[] {
  const positive = values.filter((value) => value > 0);
  if (positive.length === 0) return [];
  let [low, high] = [Infinity, -Infinity];
  for (const value of include === undefined || include <= 0 ? positive : [...positive, include]) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low === high) return [{ from: low, to: high, count: positive.length }];
  const ratio = (high / low) ** (1 / bins);
  const counts = new Array<number>(bins).fill(0);
  for (const value of positive) {
    const at = Math.max(0, Math.min(bins - 1, Math.floor(Math.log(value / low) / Math.log(ratio))));
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return counts.map((count, i) => ({ from: low * ratio ** i, to: low * ratio ** (i + 1), count }));
}

/** Where a length stands on the histogram's axis, from 0 to 1; null where it is not on it. */
export function placeOf(bins: readonly Bin[], length: number): number | null {
  const low = bins[0]?.from ?? 0;
  const high = bins.at(-1)?.to ?? 0;
  // The ends are powers: a last digit may be off.
  if (low <= 0 || high <= low || length < low * 0.999_999 || length > high * 1.000_001) return null;
  return Math.max(0, Math.min(1, Math.log(length / low) / Math.log(high / low)));
}

/** The bins as CSV: lower bound, upper bound, number of documents. */
export function histogramCsv(bins: readonly Bin[], unit: string): string {
  const rows = bins.map(({ from, to, count }) => `${Math.round(from)},${Math.round(to)},${count}`);
  return [`from ${unit},to ${unit},documents`, ...rows, ''].join('\n');
}
