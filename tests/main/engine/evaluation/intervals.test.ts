import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { describe, expect, it } from 'vitest';
import { bootstrapMean, pairedDifference, quantile } from '../../../../src/main/engine/evaluation/intervals.ts';
import { randomStream } from '../../../../src/main/engine/random.ts';

describe('bootstrap', () => {
  const random = randomStream(5, 'test');
  const values = Array.from({ length: 400 }, () => uniformFloat64(random));

  it('agrees with the normal interval of a large sample', () => {
    const mean = values.reduce((a, b) => a + b, 0) / 400;
    const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 399 / 400);
    const estimate = bootstrapMean(values);
    expect(estimate.value).toBeCloseTo(mean, 12);
    expect(estimate.low).toBeCloseTo(mean - 1.96 * deviation, 2);
    expect(estimate.high).toBeCloseTo(mean + 1.96 * deviation, 2);
    expect(bootstrapMean(values)).toEqual(estimate);
    expect(bootstrapMean(values, { seed: 1 })).not.toEqual(estimate);
  });

  it('weights items', () => {
    expect(bootstrapMean([1, 4], { weights: [3, 1] })).toMatchObject({ value: 1.75, low: 1, high: 4 });
  });

  it('sees a constant difference that the spread of the items hides', () => {
    const better = values.map((value) => value + 0.01);
    const difference = pairedDifference(values, better);
    expect(difference.low).toBeCloseTo(0.01, 10);
    expect(difference.high).toBeCloseTo(0.01, 10);
    expect(() => pairedDifference([1], [1, 2])).toThrow('different number');
  });

  it('interpolates quantiles', () => {
    expect(quantile([1, 2, 4], 0.5)).toBe(2);
    expect(quantile([1, 2, 4], 0.75)).toBe(3);
  });
});
