import type { Estimate } from './evaluation-tasks.ts';

/** Two-sided 95% of the normal distribution. */
export const normal95 = 1.959963984540054;

/** A share of yes-or-no items with its Wilson score interval (also right near 0 and 1, where the normal one is not). */
export function wilson(successes: number, n: number): Estimate {
  if (n === 0) return { value: NaN, low: NaN, high: NaN, n };
  const p = successes / n;
  const centre = p + normal95 ** 2 / (2 * n);
  const half = normal95 * Math.sqrt((p * (1 - p)) / n + normal95 ** 2 / (4 * n ** 2));
  const scale = 1 + normal95 ** 2 / n;
  // At 0 and 1 the bound is exact; the formula would miss it by rounding.
  const low = successes === 0 ? 0 : (centre - half) / scale;
  const high = successes === n ? 1 : (centre + half) / scale;
  return { value: p, low, high, n };
}
