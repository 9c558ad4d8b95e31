import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linearScale, logScale, placeOn } from '../../../src/renderer/charts/axis.ts';

const finite = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 });

describe('linearScale', () => {
  it('holds both ends, with round ticks in order', () => {
    fc.assert(
      fc.property(finite, finite, (a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        fc.pre(high === low || high - low > 1e-6 * Math.max(Math.abs(low), Math.abs(high), 1e-3));
        const { domain, ticks } = linearScale(low, high);
        const room = 1e-6 * (domain[1] - domain[0]);
        expect(domain[0]).toBeLessThanOrEqual(low + room);
        expect(domain[1]).toBeGreaterThanOrEqual(high - room);
        expect(ticks.length).toBeGreaterThan(1);
        expect(ticks.length).toBeLessThan(10);
        expect(ticks).toEqual([...new Set(ticks)].sort((x, y) => x - y));
      }),
    );
  });

  it('writes ticks exactly and widens a flat curve', () => {
    expect(linearScale(-0.35, 10.67).ticks).toEqual([-5, 0, 5, 10, 15]);
    expect(linearScale(0, 0.5).ticks).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5]);
    expect(linearScale(0, 2e-4).ticks).toEqual([0, 5e-5, 1e-4, 1.5e-4, 2e-4]);
    const flat = linearScale(3, 3).domain;
    expect(flat[0]).toBeLessThan(3);
    expect(flat[1]).toBeGreaterThan(3);
    expect(linearScale(0, 0).domain).toEqual([-1, 1]);
  });
});

describe('logScale', () => {
  it('holds both ends, with positive ticks in order', () => {
    const positive = fc.double({ noNaN: true, min: 1e-9, max: 1e9 });
    fc.assert(
      fc.property(positive, positive, (a, b) => {
        const { domain, ticks } = logScale(Math.min(a, b), Math.max(a, b));
        expect(domain[0]).toBeLessThanOrEqual(Math.min(a, b) * 1.0001);
        expect(domain[1]).toBeGreaterThanOrEqual(Math.max(a, b) * 0.9999);
        expect(domain[0]).toBeGreaterThan(0);
        expect(ticks.length).toBeGreaterThan(1);
        expect(ticks).toEqual([...ticks].sort((x, y) => x - y));
      }),
    );
    expect(logScale(0.3, 20).ticks).toEqual([0.2, 0.5, 1, 2, 5, 10, 20]);
    expect(logScale(1e-5, 1).ticks).toEqual([1e-5, 1e-4, 1e-3, 0.01, 0.1, 1]);
  });
});

describe('placeOn', () => {
  const curves = new Map([
    [
      'num_tokens' as const,
      [
        { x: 2, y: 2000 },
        { x: 4, y: 4100 },
      ],
    ],
  ]);
  it('moves steps to tokens; a step in between stands at the one before it', () => {
    const points = [1, 2, 3, 4, 9].map((x) => ({ x, y: x * 10 }));
    expect(placeOn(points, 'tokens', curves)).toEqual([
      { x: 2000, y: 20 },
      { x: 2000, y: 30 },
      { x: 4100, y: 40 },
      { x: 4100, y: 90 },
    ]);
    expect(placeOn(points, 'step', curves)).toBe(points);
    expect(placeOn(points, 'time', curves)).toEqual([]);
  });
});
