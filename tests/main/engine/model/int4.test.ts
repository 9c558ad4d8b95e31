import fc from 'fast-check';
import { expect, it } from 'vitest';
import { dequantizeInt4, INT4_BLOCK, quantizeInt4 } from '../../../../src/main/engine/model/int4.ts';

const block = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -1e4, max: 1e4 }), {
  minLength: INT4_BLOCK,
  maxLength: INT4_BLOCK,
});
const blocks = fc.array(block, { minLength: 1, maxLength: 4 }).map((rows) => Float32Array.from(rows.flat()));

const blockOf = (values: Float32Array, i: number): Float32Array =>
  values.subarray(Math.floor(i / INT4_BLOCK) * INT4_BLOCK, (Math.floor(i / INT4_BLOCK) + 1) * INT4_BLOCK);

/** Zero has the sign of its block's scale. */
const unsigned = (x: number): number => x + 0;

it('is off by no more than one step of the block, and twice rounds to the same values', () => {
  fc.assert(
    fc.property(blocks, (values) => {
      const rounded = quantizeInt4(values);
      const back = dequantizeInt4(rounded);
      values.forEach((value, i) => {
        const largest = blockOf(values, i).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
        // Half a step of largest / 7, or the one step that the opposite end is cut by; bfloat16 rounds the scale.
        expect(Math.abs((back[i] ?? NaN) - value)).toBeLessThanOrEqual(largest / 7.9 + 1e-30);
      });
      expect(dequantizeInt4(quantizeInt4(back)).map(unsigned)).toEqual(back.map(unsigned));
    }),
  );
});

it('has bfloat16 scales and no worse squared error than rounding to -7 .. 7', () => {
  fc.assert(
    fc.property(blocks, (values) => {
      const { scales, packed } = quantizeInt4(values);
      expect([packed.length, scales.length]).toEqual([values.length / 2, values.length / INT4_BLOCK]);
      expect([...new Uint32Array(scales.slice().buffer)].every((bits) => (bits & 0xffff) === 0)).toBe(true);
      const back = dequantizeInt4({ scales, packed });
      scales.forEach((_, b) => {
        const own = values.subarray(b * INT4_BLOCK, (b + 1) * INT4_BLOCK);
        const largest = own.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
        const plain = own.map((x) => (largest === 0 ? 0 : Math.round((x / largest) * 7) * (largest / 7)));
        const squared = (y: Float32Array): number => own.reduce((sum, x, i) => sum + (x - (y[i] ?? NaN)) ** 2, 0);
        const rounding = 2 ** -7 * largest ** 2;
        expect(squared(back.subarray(b * INT4_BLOCK, (b + 1) * INT4_BLOCK))).toBeLessThanOrEqual(
          squared(plain) + rounding,
        );
      });
    }),
  );
});

it('keeps multiples of a scale exactly, and zero as zero', () => {
  const exact = Float32Array.from({ length: 2 * INT4_BLOCK }, (_, i) => (i < INT4_BLOCK ? ((i % 16) - 8) * 0.25 : 0));
  expect(dequantizeInt4(quantizeInt4(exact))).toEqual(exact);
});

it('packs the first of two values in the low half', () => {
  const values = new Float32Array(INT4_BLOCK);
  values.set([-8, 7, 1]);
  expect([...quantizeInt4(values).packed.subarray(0, 2)]).toEqual([0xf0, 0x89]);
});

it('refuses values that are not numbers, and parts of blocks', () => {
  for (const bad of [NaN, Infinity, -Infinity]) {
    expect(() => quantizeInt4(new Float32Array(INT4_BLOCK).fill(bad, 3, 4))).toThrow('finite');
  }
  expect(() => quantizeInt4(new Float32Array(33))).toThrow('whole blocks');
});
