import { uniformInt } from 'pure-rand/distribution/uniformInt';
import type { Estimate } from '../../../shared/evaluation-tasks.ts';
import { wilson } from '../../../shared/wilson.ts';
import { randomStream } from '../random.ts';

/** Resampling: number of samples and seed. 2,000 samples place a bound to within a few percent of the interval's width. */
export interface BootstrapOptions {
  readonly samples?: number;
  readonly seed?: number;
}

/**
 * Mean of items with a percentile bootstrap interval (Efron 1979): items are drawn with replacement.
 * @param weights the mean is weighted (tokens of a text); a drawn item carries its weight
 */
export function bootstrapMean(
  values: readonly number[],
  { samples = 2000, seed = 0, weights }: BootstrapOptions & { readonly weights?: readonly number[] } = {},
): Estimate {
  const n = values.length;
  const weightOf = (i: number): number => (weights === undefined ? 1 : (weights[i] ?? 0));
  const meanOf = (index: (k: number) => number): number => {
    let sum = 0;
    let total = 0;
    for (let k = 0; k < n; k += 1) {
      const i = index(k);
      sum += weightOf(i) * (values[i] ?? 0);
      total += weightOf(i);
    }
    return sum / total;
  };
  if (n === 0) return { value: NaN, low: NaN, high: NaN, n };
  const random = randomStream(seed, 'bootstrap', n);
  const means = Float64Array.from({ length: samples }, () => meanOf(() => uniformInt(random, 0, n - 1))).sort();
  return { value: meanOf((k) => k), low: quantile(means, 0.025), high: quantile(means, 0.975), n };
}

/** Mean of scores in [0, 1] with its interval: exact for rights and wrongs (a share), resampled for partial scores. */
export function meanScore(scores: readonly number[]): Estimate {
  return scores.every((score) => score === 0 || score === 1)
    ? wilson(scores.filter((score) => score === 1).length, scores.length)
    : bootstrapMean(scores);
}

/**
 * Mean of b - a over the same items, with a bootstrap interval of the differences: far narrower than the two intervals
 * apart, because what makes an item hard is shared.
 */
export function pairedDifference(
  a: readonly number[],
  b: readonly number[],
  options: BootstrapOptions & { readonly weights?: readonly number[] } = {},
): Estimate {
  if (a.length !== b.length) throw new Error(`Paired items of different number: ${a.length} and ${b.length}.`);
  return bootstrapMean(
    b.map((value, i) => value - (a[i] ?? 0)),
    options,
  );
}

/** Quantile of sorted values, linear between neighbours. */
export function quantile(sorted: Float64Array | readonly number[], p: number): number {
  const at = p * (sorted.length - 1);
  const below = sorted[Math.floor(at)] ?? NaN;
  const above = sorted[Math.ceil(at)] ?? NaN;
  return below + (at - Math.floor(at)) * (above - below);
}
