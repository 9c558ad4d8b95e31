import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { histogram, histogramCsv, placeOf } from '../../../../src/renderer/pages/documents/histogram.ts';

describe('histogram', () => {
  it('counts every positive length once, and has the target on its axis', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 3_000_000 }), { maxLength: 200 }),
        fc.integer({ min: 1, max: 5_000_000 }),
        (lengths, target) => {
          const bins = histogram(lengths, 24, target);
          const positive = lengths.filter((length) => length > 0);
          expect(bins.reduce((sum, bin) => sum + bin.count, 0)).toBe(positive.length);
          if (bins.length > 1) expect(placeOf(bins, target)).not.toBeNull();
        },
      ),
    );
  });

  it('has an axis of equal ratios', () => {
    const bins = histogram([100, 10_000], 2);
    expect(bins.map(({ from, to, count }) => [Math.round(from), Math.round(to), count])).toEqual([
      [100, 1000, 1],
      [1000, 10_000, 1],
    ]);
    expect(placeOf(bins, 1000)).toBeCloseTo(0.5);
    expect(placeOf(bins, 99)).toBeNull();
    expect(placeOf(bins, 20_000)).toBeNull();
    expect(histogramCsv(bins, 'tokens')).toBe('from tokens,to tokens,documents\n100,1000,1\n1000,10000,1\n');
  });

  it('shows one length as one bar and no length as none', () => {
    expect(histogram([7, 7])).toEqual([{ from: 7, to: 7, count: 2 }]);
    expect(histogram([0])).toEqual([]);
    expect(placeOf([], 5)).toBeNull();
  });
});
