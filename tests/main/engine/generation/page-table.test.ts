import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PAGE, pageLayout } from '../../../../src/main/engine/generation/page-table.ts';

it('shares whole pages of the prefix, and gives each sequence its own behind them', () => {
  expect(pageLayout(600, 100, 2)).toEqual({ shared: 2, rest: 88, pages: 3, table: Int32Array.of(0, 1, 2, 0, 1, 3) });
  expect(pageLayout(0, 255, 2)).toEqual({ shared: 0, rest: 1, pages: 1, table: Int32Array.of(0, 1) });
  expect(pageLayout(PAGE, 1, 1)).toEqual({ shared: 0, rest: PAGE, pages: 2, table: Int32Array.of(0, 1) });
  expect(pageLayout(PAGE + 1, 255, 1)).toEqual({ shared: 1, rest: 1, pages: 2, table: Int32Array.of(0, 1) });
});

it('has a place for every key, which no two sequences share unless both hold the prefix there', () => {
  const sizes = [fc.nat(2000), fc.integer({ min: 1, max: 2000 }), fc.integer({ min: 1, max: 9 })] as const;
  fc.assert(
    fc.property(...sizes, (prefix, own, batch) => {
      const { shared, rest, pages, table } = pageLayout(prefix, own, batch);
      expect(shared * PAGE + rest).toBe(Math.max(prefix, 1));
      expect(rest).toBeGreaterThan(0);
      expect(pages * PAGE).toBeGreaterThanOrEqual(prefix + own);
      const apart = [...table].filter((_, i) => i % pages >= shared);
      expect(apart.toSorted((a, b) => a - b)).toEqual(Array.from({ length: apart.length }, (_, i) => shared + i));
    }),
  );
});
