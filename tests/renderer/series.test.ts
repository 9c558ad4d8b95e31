import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnsOf } from '../../src/renderer/charts/columns.ts';
import { clippedRange, smooth as smoothValues, thin } from '../../src/renderer/charts/series.ts';
import type { Point } from '../../src/renderer/charts/series.ts';
import { histogram } from '../../src/renderer/pages/documents/histogram.ts';
import { formatBytes, formatDuration, formatNumber } from '../../src/renderer/components/format.ts';
import { nextStep } from '../../src/renderer/pages/home/next-step.ts';

const smooth = (list: readonly Point[], smoothing: number) => smoothValues(columnsOf(list).y, smoothing);
const downsample = (list: readonly Point[], limit: number) => thin(columnsOf(list), limit).map((i) => list[i]);

const points = fc
  .array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { maxLength: 400 })
  .map((ys) => ys.map((y, x) => ({ x, y })));

describe('curves', () => {
  it('smoothing keeps a constant, starts at the first value and forgets nothing with 0', () => {
    const flat = Array.from({ length: 10 }, (_, x) => ({ x, y: 3 }));
    for (const y of smooth(flat, 0.9)) expect(y).toBeCloseTo(3, 12);
    expect(
      smooth(
        [
          { x: 0, y: 5 },
          { x: 1, y: 9 },
        ],
        0.9,
      )[0],
    ).toBeCloseTo(5, 12);
    expect(
      smooth(
        [
          { x: 0, y: 5 },
          { x: 1, y: 9 },
        ],
        0,
      )[1],
    ).toBe(9);
    // (0.6 * 0.4 * 1 + 0.4 * 2) / (0.6 * 0.4 + 0.4)
    expect(
      smooth(
        [
          { x: 0, y: 1 },
          { x: 1, y: 2 },
        ],
        0.6,
      )[1],
    ).toBeCloseTo(1.04 / 0.64, 12);
  });

  it('down-sampling keeps ends, order and real points, within the limit', () => {
    fc.assert(
      fc.property(points, fc.integer({ min: 3, max: 60 }), (list, limit) => {
        const kept = downsample(list, limit);
        expect(kept.length).toBeLessThanOrEqual(Math.max(limit, Math.min(list.length, limit)));
        expect(kept.every((point) => point !== undefined && list.includes(point))).toBe(true);
        expect(kept.map((point) => point?.x)).toEqual([...kept.map((point) => point?.x ?? 0)].sort((a, b) => a - b));
        if (list.length > 0) expect([kept[0], kept.at(-1)]).toEqual([list[0], list.at(-1)]);
      }),
    );
  });

  it('down-sampling keeps a lone peak', () => {
    const list = Array.from({ length: 5000 }, (_, x) => ({ x, y: x === 2345 ? 100 : 0 }));
    expect(downsample(list, 50)).toContainEqual({ x: 2345, y: 100 });
  });

  it('the clipped range leaves out a spike', () => {
    const list = Array.from({ length: 1000 }, (_, x) => (x === 500 ? 1e9 : Math.sin(x)));
    expect(clippedRange(list)?.[1]).toBeLessThan(2);
    expect(clippedRange(list.slice(0, 5))).toBeUndefined();
  });
});

describe('histogram', () => {
  it('counts every positive value once', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1e6 })), (values) => {
        const total = histogram(values).reduce((sum, bin) => sum + bin.count, 0);
        expect(total).toBe(values.filter((value) => value > 0).length);
      }),
    );
  });
});

describe('numbers and next steps', () => {
  it('are written with their units', () => {
    expect(formatBytes(1536)).toBe('1.5 KiB');
    expect(formatBytes(0)).toBe('0 B');
    expect(formatDuration(3725)).toBe('1 h 02 min');
    expect(formatDuration(75)).toBe('1 min 15 s');
    expect(formatNumber(0.0002)).toBe('2.0e-4');
    expect(formatNumber(-0.6916)).toBe('-0.6916');
  });

  it('a workspace leads from documents to runs', () => {
    const info = { folder: 'x', models: 1, documents: 0, pairs: 0, unreviewed: 0, runs: 0, evaluations: 0 };
    expect(nextStep({ ...info, models: 0 }).page).toBe('models');
    expect(nextStep(info).page).toBe('documents');
    expect(nextStep({ ...info, documents: 3 }).page).toBe('generate');
    expect(nextStep({ ...info, documents: 3, pairs: 9, unreviewed: 9 }).page).toBe('pairs');
    expect(nextStep({ ...info, documents: 3, pairs: 9, unreviewed: 4 }).page).toBe('train');
    expect(nextStep({ ...info, documents: 3, pairs: 9, unreviewed: 9, runs: 1 }).page).toBe('evaluate');
    expect(nextStep({ ...info, documents: 3, pairs: 9, unreviewed: 9, runs: 1, evaluations: 2 }).page).toBe('runs');
  });
});
