import fc from 'fast-check';
import { expect, it } from 'vitest';
import { pieceAt } from '../../../src/renderer/components/text-place.ts';

it('finds the piece that an offset lies in', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 1000 }), { maxLength: 20 }), fc.nat(1200), (cuts, offset) => {
      const starts = [0, ...cuts.sort((a, b) => a - b)];
      expect(pieceAt(starts, offset)).toBe(starts.filter((start) => start <= offset).length - 1);
    }),
  );
});
