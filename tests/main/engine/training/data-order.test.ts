import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataOrder, splitDocuments } from '../../../../src/main/engine/training/data-order.ts';

const take = (order: DataOrder, n: number): number[] => Array.from({ length: n }, () => order.next().index);

describe('DataOrder', () => {
  it('gives every example once an epoch, in another order each time', () => {
    const order = new DataOrder({ seed: 3, count: 20, position: 0 });
    const first = take(order, 20);
    const second = take(order, 20);
    const sorted = Array.from({ length: 20 }, (_, i) => i);
    expect([...first].sort((a, b) => a - b)).toEqual(sorted);
    expect([...second].sort((a, b) => a - b)).toEqual(sorted);
    expect(first).not.toEqual(second);
    expect(first).not.toEqual(take(new DataOrder({ seed: 4, count: 20, position: 0 }), 20));
    expect(order.next().epoch).toBe(2);
  });

  it('continues from its saved state at any position', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 12 }), fc.nat(40), (seed, count, k) => {
        const whole = take(new DataOrder({ seed, count, position: 0 }), k + 10);
        const start = new DataOrder({ seed, count, position: 0 });
        take(start, k);
        const state: unknown = JSON.parse(JSON.stringify(start.state));
        expect(state).toEqual({ seed, count, position: k });
        expect(take(new DataOrder({ seed, count, position: k }), 10)).toEqual(whole.slice(k));
      }),
    );
  });

  it('stays what it was: runs of earlier versions must resume', () => {
    expect(take(new DataOrder({ seed: 0, count: 8, position: 0 }), 16)).toMatchInlineSnapshot(`
      [
        7,
        5,
        6,
        2,
        4,
        1,
        0,
        3,
        6,
        7,
        1,
        0,
        2,
        4,
        3,
        5,
      ]
    `);
  });

  it('refuses an empty set', () => {
    expect(() => new DataOrder({ seed: 0, count: 0, position: 0 })).toThrow('no examples');
  });
});

describe('splitDocuments', () => {
  it('puts every document on one side, whatever the order', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string(), { maxLength: 40 }),
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        (ids, f) => {
          const split = splitDocuments(ids, f, 1);
          const again = splitDocuments([...ids, ...ids].reverse(), f, 1);
          expect(again.heldOut).toEqual(split.heldOut);
          expect([...split.heldOut, ...split.train].sort()).toEqual([...ids].sort());
          if (ids.length > 0) expect(split.train.size).toBeGreaterThan(0);
          if (ids.length > 1 && f > 0) expect(split.heldOut.size).toBeGreaterThan(0);
        },
      ),
    );
  });

  it('holds the share out and depends on the seed', () => {
    const ids = Array.from({ length: 100 }, (_, i) => `document ${i}`);
    expect(splitDocuments(ids, 0.1, 1).heldOut.size).toBe(10);
    expect(splitDocuments(ids, 0.1, 1).heldOut).not.toEqual(splitDocuments(ids, 0.1, 2).heldOut);
    expect(splitDocuments(ids, 0, 1).heldOut.size).toBe(0);
  });

  it('refuses a share of 1', () => {
    expect(() => splitDocuments(['a'], 1, 0)).toThrow('below 1');
  });
});
