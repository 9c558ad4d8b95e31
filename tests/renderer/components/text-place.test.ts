import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cutsOf, pieceAt } from '../../../src/renderer/components/text-place.ts';

it('a long text is cut into pieces that are neither long nor many, never inside a character', () => {
  const part = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 300 }), fc.constantFrom('\n', '. ', ' ', '\u{1f600}'));
  fc.assert(
    fc.property(fc.array(part, { maxLength: 60 }), (parts) => {
      const text = parts.join('');
      const starts = cutsOf(text, 100);
      const pieces = starts.map((start, i) => text.slice(start, starts[i + 1]));
      expect(pieces.join('')).toBe(text);
      for (const piece of pieces) {
        expect(piece.length).toBeLessThanOrEqual(100);
        expect(piece).not.toMatch(/^[\udc00-\udfff]/);
      }
      expect(pieces.length).toBeLessThanOrEqual(1 + (2 * text.length) / 99);
      starts.forEach((start, i) => expect(pieceAt(starts, start)).toBe(i));
    }),
  );
});

it('cuts after a line, else after a sentence, else after a word', () => {
  expect(cutsOf(`${'a'.repeat(60)}\nb. ${'c '.repeat(40)}`, 100)[1]).toBe(61);
  expect(cutsOf(`${'a'.repeat(60)}. ${'c'.repeat(80)}`, 100)[1]).toBe(62);
  expect(cutsOf(`${'a'.repeat(60)} ${'c'.repeat(80)}`, 100)[1]).toBe(61);
});
