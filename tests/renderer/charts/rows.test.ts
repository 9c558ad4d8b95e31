import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnsOf } from '../../../src/renderer/charts/columns.ts';
import { chartRows, mostPoints, nearest, yScale } from '../../../src/renderer/charts/rows.ts';
import type { Point } from '../../../src/renderer/charts/series.ts';
import { smooth } from '../../../src/renderer/charts/series.ts';

/** As a chart gives them: with their smoothed values. */
const withSmooth = (curves: readonly (readonly Point[])[], smoothing = 0) =>
  curves.map(columnsOf).map((raw) => ({ raw, smoothed: smooth(raw.y, smoothing) }));
const wave = (n: number, shift = 0) => Array.from({ length: n }, (_, x) => ({ x, y: Math.sin(x / 50) + shift }));

describe('chartRows', () => {
  it('draws at most the limit, over all curves, and keeps raw and smoothed values of every curve at each x', () => {
    const curves = [wave(20_000), wave(20_000, 3), wave(20_000, -3)];
    const rows = chartRows(withSmooth(curves, 0.6), false);
    expect(rows.length).toBeLessThanOrEqual(mostPoints);
    expect(rows.length).toBeGreaterThan(mostPoints / 4);
    for (const row of rows)
      for (const key of ['r0', 's0', 'r1', 's1', 'r2', 's2'] as const) expect(row).toHaveProperty(key);
    const smoothed = smooth(columnsOf(curves[1] ?? []).y, 0.6);
    for (const row of rows.slice(0, 50)) expect(row.s1).toBe(smoothed[row.x]);
  });

  it('shows more detail when zoomed, with the neighbours that lead to the edge', () => {
    const rows = chartRows(withSmooth([wave(20_000)]), false, [1000, 1100]);
    expect(rows.map(({ x }) => x)).toEqual(Array.from({ length: 103 }, (_, i) => 999 + i));
  });

  it('leaves out what cannot be drawn', () => {
    const points = [1, NaN, -2, 0, 5, Infinity].map((y, x) => ({ x, y }));
    expect(chartRows(withSmooth([points]), true).map(({ r0 }) => r0)).toEqual([1, 5]);
    expect(chartRows(withSmooth([points]), false).map(({ x }) => x)).toEqual([0, 2, 3, 4]);
    expect(chartRows(withSmooth([]), false)).toEqual([]);
  });

  it('curves with steps of their own keep their own values only', () => {
    const [a, b] = [wave(10), [{ x: 4.5, y: 1 }]];
    const row = chartRows(withSmooth([a, b]), false).find(({ x }) => x === 4.5);
    expect(row).toEqual({ x: 4.5, r1: 1, s1: 1 });
  });
});

describe('yScale', () => {
  it('fits what is in sight, without outliers where asked', () => {
    const points = Array.from({ length: 1000 }, (_, x) => ({ x, y: x === 500 ? 1e6 : x % 10 }));
    expect(yScale([columnsOf(points)], { log: false, clip: true })?.domain[1]).toBeLessThan(20);
    expect(yScale([columnsOf(points)], { log: false, clip: false })?.domain[1]).toBeGreaterThanOrEqual(1e6);
    expect(yScale([columnsOf(points)], { log: false, clip: false }, [0, 100])?.domain[1]).toBeLessThan(20);
    expect(yScale([columnsOf([{ x: 0, y: -1 }])], { log: true, clip: true })).toBeUndefined();
  });

  it('never gives a logarithmic axis a domain at or below zero', () => {
    const positive = fc.array(fc.double({ noNaN: true, min: 1e-8, max: 1e8 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(positive, fc.boolean(), (values, clip) => {
        const scale = yScale([columnsOf(values.map((y, x) => ({ x, y })))], { log: true, clip });
        expect(scale?.domain[0]).toBeGreaterThan(0);
      }),
    );
  });
});

describe('nearest', () => {
  it('finds what a linear search finds', () => {
    const sorted = fc
      .uniqueArray(fc.integer({ min: 0, max: 100 }), { minLength: 1 })
      .map((xs) => xs.sort((a, b) => a - b));
    fc.assert(
      fc.property(sorted, fc.integer({ min: -10, max: 110 }), (xs, x) => {
        const distances = xs.map((value) => Math.abs(value - x));
        expect(distances[nearest(xs.length, (i) => xs[i] ?? 0, x)]).toBe(Math.min(...distances));
      }),
    );
    expect(nearest(0, () => 0, 3)).toBe(-1);
  });
});

describe('columnsOf', () => {
  it('is what the points are, while a curve grows, is cut back and grows again', () => {
    const step = fc.record({ keep: fc.double({ min: 0, max: 1, noNaN: true }), fresh: fc.array(fc.double()) });
    fc.assert(
      fc.property(fc.array(step), (changes) => {
        let points: Point[] = [];
        for (const { keep, fresh } of changes) {
          const from = keep < 0.3 ? Math.floor(keep * points.length) : points.length;
          points = [...points.slice(0, from), ...fresh.map((y, i) => ({ x: from + i, y }))];
          const { x, y } = columnsOf(points);
          expect([...x]).toEqual(points.map((point) => point.x));
          expect([...y]).toEqual(points.map((point) => point.y));
        }
      }),
    );
  });
});
