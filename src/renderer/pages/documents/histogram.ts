export interface Bin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** Counts in `bins` ranges of equal ratio (lengths spread over orders of magnitude), from the shortest to the longest. */
export function histogram(values: readonly number[], bins = 24): Bin[] {
  const positive = values.filter((value) => value > 0);
  if (positive.length === 0) return [];
  const low = Math.min(
    ...positive.slice(0, 1),
    positive.reduce((a, b) => Math.min(a, b)),
  );
  const high = positive.reduce((a, b) => Math.max(a, b));
  if (low === high) return [{ from: low, to: high, count: positive.length }];
  const ratio = (high / low) ** (1 / bins);
  const counts = new Array<number>(bins).fill(0);
  for (const value of positive) {
    const at = Math.min(bins - 1, Math.floor(Math.log(value / low) / Math.log(ratio)));
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return counts.map((count, i) => ({ from: low * ratio ** i, to: low * ratio ** (i + 1), count }));
}
