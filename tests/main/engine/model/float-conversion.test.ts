import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFloats, encodeFloats } from '../../../../src/main/engine/model/float-conversion.ts';

/** Every 16-bit pattern once. */
const ALL_HALVES = Uint16Array.from({ length: 65536 }, (_, i) => i);
const bytesOf = (array: Uint16Array | Float64Array): Uint8Array => new Uint8Array(array.buffer);

/** The value of a half-precision pattern by definition (IEEE 754, 1 + 5 + 10 bits). */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

/** Nearest value of a format with `digits` fraction bits, ties to even, smallest exponent `low`, largest value `top`. */
function nearest(value: number, digits: number, low: number, top: number): number {
  if (value === 0 || !Number.isFinite(value)) return value;
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(value))), low);
  const unit = 2 ** (exponent - digits);
  const scaled = value / unit;
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  const rounded = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
  const result = rounded === 0 ? value * 0 : rounded * unit;
  return Math.abs(result) > top ? Math.sign(result) * Infinity : result;
}

describe('16-bit floats', () => {
  it('decodes every half-precision pattern', () => {
    const decoded = decodeFloats(bytesOf(ALL_HALVES), 'F16');
    expect(ALL_HALVES.every((bits, i) => Object.is(decoded[i], half(bits)))).toBe(true);
  });

  it.each(['F16', 'BF16'] as const)('gives every %s pattern back', (dtype) => {
    const decoded = decodeFloats(bytesOf(ALL_HALVES), dtype);
    const again = new Uint16Array(encodeFloats(decoded, dtype).buffer);
    const different = ALL_HALVES.filter((bits, i) => again[i] !== bits && !Number.isNaN(decoded[i]));
    expect([...different]).toEqual([]);
    const nans = decodeFloats(bytesOf(again), dtype);
    expect(decoded.every((value, i) => !Number.isNaN(value) || Number.isNaN(nans[i]))).toBe(true);
  });

  it.each([
    ['F16', 10, -14, 65504],
    ['BF16', 7, -126, 3.3895313892515355e38],
  ] as const)('rounds to the nearest %s, ties to even', (dtype, digits, low, top) => {
    const roundTrip = (value: number): number =>
      decodeFloats(encodeFloats(Float32Array.of(value), dtype), dtype)[0] as number;
    fc.assert(
      fc.property(fc.float({ noNaN: true }), (value) => {
        expect(roundTrip(value)).toBe(nearest(value, digits, low, top));
      }),
      { numRuns: 2000 },
    );
    // Halfway between neighbouring patterns, and one float32 step to each side.
    const exact = decodeFloats(bytesOf(ALL_HALVES), dtype);
    for (let bits = 1; bits < 0x7fff; bits += 7) {
      const [a, b] = [exact[bits] as number, exact[bits + 1] as number];
      if (!Number.isFinite(b) || Number.isNaN(b)) continue;
      const middle = (a + b) / 2;
      for (const value of [middle, middle * (1 - 1e-7), middle * (1 + 1e-7)].map(Math.fround)) {
        expect(roundTrip(value)).toBe(nearest(value, digits, low, top));
        expect(roundTrip(-value)).toBe(-nearest(value, digits, low, top));
      }
    }
  });

  it('takes bytes at any offset and float64', () => {
    const shifted = new Uint8Array([9, 0x00, 0x3c, 0x00, 0xc0]).subarray(1);
    expect([...decodeFloats(shifted, 'F16')]).toEqual([1, -2]);
    expect([...decodeFloats(bytesOf(Float64Array.of(0.1, -1e300)), 'F64')]).toEqual([Math.fround(0.1), -Infinity]);
  });
});
