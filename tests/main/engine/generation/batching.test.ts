import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchByLength, splitCommonPrefix } from '../../../../src/main/engine/generation/batching.ts';
import { uniformsFor } from '../../../../src/main/engine/random.ts';

describe('batchByLength', () => {
  it('puts similar lengths together within both bounds', () => {
    expect(batchByLength([5, 20, 6, 21, 4], { maxSequences: 2, maxTokens: 42 })).toEqual([[3, 1], [2, 0], [4]]);
    expect(batchByLength([50, 10], { maxSequences: 9, maxTokens: 30 })).toEqual([[0], [1]]);
  });

  it('uses every index once and keeps the bounds (property)', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 50 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 60, max: 300 }),
        (lengths, maxSequences, maxTokens) => {
          const batches = batchByLength(lengths, { maxSequences, maxTokens });
          expect(batches.flat().sort((a, b) => a - b)).toEqual(lengths.map((_, i) => i));
          for (const batch of batches) {
            expect(batch.length).toBeLessThanOrEqual(maxSequences);
            expect(batch.length * Math.max(...batch.map((i) => lengths[i] ?? 0))).toBeLessThanOrEqual(maxTokens);
          }
        },
      ),
    );
  });
});

describe('splitCommonPrefix', () => {
  const split = (...sequences: number[][]): { prefix: number[]; rests: number[][] } => {
    const { prefix, rests } = splitCommonPrefix(sequences.map((ids) => Int32Array.from(ids)));
    return { prefix: [...prefix], rests: rests.map((rest) => [...rest]) };
  };

  it('leaves at least one token in every rest', () => {
    expect(split([1, 2, 3], [1, 2, 4, 5])).toEqual({ prefix: [1, 2], rests: [[3], [4, 5]] });
    expect(split([1, 2], [1, 2, 3])).toEqual({ prefix: [1], rests: [[2], [2, 3]] });
    expect(split([7, 8, 9])).toEqual({ prefix: [7, 8], rests: [[9]] });
    expect(split([1], [2])).toEqual({ prefix: [], rests: [[1], [2]] });
  });
});

describe('uniformsFor', () => {
  it('depends on seed and key, and a longer draw continues a shorter one', () => {
    const numbers = uniformsFor(7, 'doc#3:question', 100);
    expect(uniformsFor(7, 'doc#3:question', 10)).toEqual(numbers.slice(0, 10));
    expect(uniformsFor(8, 'doc#3:question', 100)).not.toEqual(numbers);
    expect(uniformsFor(7, 'doc#4:question', 100)).not.toEqual(numbers);
  });

  it('is uniform on [0, 1)', () => {
    const all = Array.from({ length: 200 }, (_, i) => [...uniformsFor(i, 'k', 100)]).flat();
    expect(Math.min(...all)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...all)).toBeLessThan(1);
    // 20,000 numbers: 10 bins of 2,000 expected, standard deviation 42.
    for (let bin = 0; bin < 10; bin += 1) {
      const count = all.filter((x) => Math.floor(x * 10) === bin).length;
      expect(Math.abs(count - 2000)).toBeLessThan(5 * 42);
    }
  });
});
