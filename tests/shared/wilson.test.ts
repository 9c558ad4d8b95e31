import { describe, expect, it } from 'vitest';
import { wilson } from '../../src/shared/wilson.ts';

describe('wilson', () => {
  it('gives the textbook values', () => {
    // Newcombe 1998, table I: 81/263, 15/148, 0/20, 1/29 by the score method without continuity correction.
    const bounds = (successes: number, n: number): string[] => {
      const { low, high } = wilson(successes, n);
      return [low.toFixed(4), high.toFixed(4)];
    };
    expect(bounds(81, 263)).toEqual(['0.2553', '0.3662']);
    expect(bounds(15, 148)).toEqual(['0.0624', '0.1605']);
    expect(bounds(0, 20)).toEqual(['0.0000', '0.1611']);
    expect(bounds(1, 29)).toEqual(['0.0061', '0.1718']);
    expect(wilson(20, 20)).toMatchObject({ value: 1, high: 1, n: 20 });
    expect(wilson(0, 0).value).toBeNaN();
  });
});
