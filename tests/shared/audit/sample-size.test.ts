import { expect, test } from 'vitest';
import { cohenKappa } from '../../../src/shared/audit/kappa.ts';
import { sampleForKappa, sampleForShare } from '../../../src/shared/audit/sample-size.ts';
import { sampleWarnings } from '../../../src/shared/audit/sample-warnings.ts';
import { normal95, wilson } from '../../../src/shared/wilson.ts';

test('the sample for a share is the smallest whose Wilson interval is narrow enough', () => {
  for (const share of [0, 0.02, 0.125, 0.5, 0.9, 1]) {
    for (const width of [0.02, 0.1, 0.3]) {
      const n = sampleForShare(share, width);
      const widthAt = (items: number): number => wilson(share * items, items).high - wilson(share * items, items).low;
      expect(widthAt(n)).toBeLessThanOrEqual(width);
      expect(widthAt(n - 1)).toBeGreaterThan(width);
    }
  }
  // By hand: at share 0 the interval is z^2 / (n + z^2) wide; at 1/2 it is z / sqrt(n + z^2).
  expect(sampleForShare(0, 0.1)).toBe(Math.ceil(normal95 ** 2 * 9));
  expect(sampleForShare(0.5, 0.1)).toBe(Math.ceil((normal95 / 0.1) ** 2 - normal95 ** 2));
});

test('the sample for kappa: four times the pairs for half the width', () => {
  const kappa = cohenKappa([[20, 5], [10, 15]]); // prettier-ignore
  const width = (kappa.high ?? 0) - (kappa.low ?? 0);
  expect(sampleForKappa(kappa, width)).toBe(50);
  expect(sampleForKappa(kappa, width / 2)).toBe(200);
  expect(sampleForKappa(cohenKappa([[3, 0], [0, 4]]), 0.1)).toBeNull(); // prettier-ignore
  expect(sampleForKappa(cohenKappa([]), 0.1)).toBeNull();
});

test('warnings: silence for a large blind random sample, a sentence for each thing in the way', () => {
  const good = {
    n: 400,
    error: wilson(40, 400),
    sampling: { kind: 'random', draws: [], population: 5000, skipped: 0, representative: true },
    ...{ documents: 390, blind: 400, disagreed: 0 },
  } as const;
  expect(sampleWarnings(good)).toEqual([]);
  expect(sampleWarnings({ ...good, n: 0, error: null })).toEqual([]);
  const { sampling } = good;
  const of = (change: Partial<Parameters<typeof sampleWarnings>[0]>) => sampleWarnings({ ...good, ...change });
  expect(of({ sampling: { ...sampling, kind: 'in_order' } })).toMatchObject([
    expect.stringContaining('fixed order, not drawn at random') as string,
  ]);
  expect(of({ sampling: { ...sampling, kind: 'picked' } })[0]).toContain('nothing follows for the other 4600');
  expect(of({ sampling: { ...sampling, kind: 'random_within_filters' } })[0]).toContain('speak for those only');
  expect(of({ n: 20, error: wilson(2, 20), documents: 20, blind: 20 })[0]).toMatch(/small: 20 pairs.*About \d+ more/);
  expect(of({ sampling: { ...sampling, skipped: 50 } })[0]).toContain('50 pairs were only skipped (11%)');
  expect(of({ documents: 12 })[0]).toContain('come from 12 documents');
  expect(of({ blind: 399 })[0]).toContain('1 of the 400 verdicts were given with the labels shown');
  expect(of({ disagreed: 7 })[0]).toContain('differ on 7');
});
