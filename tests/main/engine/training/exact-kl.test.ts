import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exactKl } from '../../../../src/main/engine/training/exact-kl.ts';

const logs = (...rows: number[][]): Float32Array => Float32Array.from(rows.flat().map(Math.log));

describe('exactKl', () => {
  it('equals the sum written out', () => {
    const { policyReference, referencePolicy } = exactKl(
      logs([0.5, 0.25, 0.25], [0.2, 0.2, 0.6]),
      logs([0.25, 0.25, 0.5], [0.2, 0.2, 0.6]),
      3,
    );
    expect(policyReference[0]).toBeCloseTo(0.5 * Math.log(2) + 0.25 * Math.log(0.5), 6);
    expect(referencePolicy[0]).toBeCloseTo(0.25 * Math.log(0.5) + 0.5 * Math.log(2), 6);
    expect([policyReference[1], referencePolicy[1]]).toEqual([0, 0]);
  });

  it('treats probability 0 as the limit', () => {
    const { policyReference, referencePolicy } = exactKl(logs([1, 0]), logs([0.5, 0.5]), 2);
    expect(policyReference[0]).toBeCloseTo(Math.LN2, 6);
    expect(referencePolicy[0]).toBe(Infinity);
  });

  it('is never negative beyond rounding', () => {
    const row = fc.array(fc.double({ min: -8, max: 8, noNaN: true }), { minLength: 5, maxLength: 5 });
    const normalised = (x: number[]): Float32Array => {
      const logSum = Math.log(x.reduce((sum, value) => sum + Math.exp(value), 0));
      return Float32Array.from(x, (value) => value - logSum);
    };
    fc.assert(
      fc.property(row, row, (a, b) => {
        const kl = exactKl(normalised(a), normalised(b), 5);
        expect(kl.policyReference[0]).toBeGreaterThan(-1e-5);
        expect(kl.referencePolicy[0]).toBeGreaterThan(-1e-5);
      }),
    );
  });

  it('refuses matrices that do not fit', () => {
    expect(() => exactKl(new Float32Array(6), new Float32Array(6), 4)).toThrow('4 tokens');
  });
});
