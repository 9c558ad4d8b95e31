import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chunkCuts, stretches } from '../../../../src/renderer/pages/documents/stretches.ts';
import type { Mark } from '../../../../src/renderer/pages/documents/stretches.ts';

describe('stretches', () => {
  it('marks hits that reach over the edges of a piece, and the current one first', () => {
    const marks: Mark[] = [
      { start: 8, end: 12, kind: 'hit' },
      { start: 14, end: 16, kind: 'current' },
      { start: 13, end: 30, kind: 'place' },
    ];
    const found = stretches('abcdefgh', 10, marks, [], false);
    expect(found.map(({ text, mark }) => [text, mark?.kind ?? null])).toEqual([
      ['ab', 'hit'],
      ['c', null],
      ['d', 'place'],
      ['ef', 'current'],
      ['gh', 'place'],
    ]);
  });

  it('shows a boundary once: at the start of the piece that begins there, or at the end of the text', () => {
    const cuts = [
      { at: 10, label: 'a' },
      { at: 14, label: 'b' },
    ];
    expect(stretches('abcd', 6, [], cuts, false).flatMap((part) => part.cuts)).toEqual([]);
    expect(stretches('abcd', 10, [], cuts, false).flatMap((part) => part.cuts)).toEqual(['a']);
    expect(stretches('abcd', 10, [], cuts, true).flatMap((part) => part.cuts)).toEqual(['a', 'b']);
  });

  it('loses no character, whatever is marked', () => {
    const mark = fc
      .tuple(fc.nat(60), fc.integer({ min: 1, max: 20 }), fc.constantFrom('hit', 'current', 'place'))
      .map(([start, size, kind]): Mark => ({ start, end: start + size, kind }));
    const cut = fc.nat(60).map((at) => ({ at, label: String(at) }));
    fc.assert(
      fc.property(
        fc.string({ maxLength: 40 }),
        fc.nat(20),
        fc.array(mark),
        fc.array(cut),
        (text, from, marks, cuts) => {
          const parts = stretches(text, from, marks, cuts, false);
          expect(parts.map((part) => part.text).join('')).toBe(text);
          for (const part of parts) {
            const covered = marks.some(({ start, end }) => start <= part.start && end >= part.start + part.text.length);
            expect(part.mark !== null).toBe(covered && part.text !== '');
          }
        },
      ),
    );
  });

  it('says where a chunk ends only where no other follows', () => {
    const chunk = (index: number, start: number, end: number) => ({ index, start, end, tokens: 1000 });
    expect(
      chunkCuts([chunk(0, 0, 10), chunk(1, 12, 20), chunk(4, 90, 99)]).map(({ at, label }) => [at, label]),
    ).toEqual([
      [0, 'chunk 1, 1,000 tokens'],
      [12, 'chunk 2, 1,000 tokens'],
      [20, 'end of chunk 2'],
      [90, 'chunk 5, 1,000 tokens'],
      [99, 'end of chunk 5'],
    ]);
  });
});
