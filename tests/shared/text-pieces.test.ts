import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pieceLength, pieceStarts } from '../../src/shared/text-pieces.ts';

const piecesOf = (text: string): string[] => {
  const starts = pieceStarts(text);
  return starts.map((start, i) => text.slice(start, starts[i + 1] ?? text.length));
};

describe('pieceStarts', () => {
  it('cuts after line ends', () => {
    const text = `${'a line of prose\n'.repeat(1000)}the end`;
    const pieces = piecesOf(text);
    expect(pieces.join('')).toBe(text);
    expect(pieces.slice(0, -1).every((piece) => piece.endsWith('\n'))).toBe(true);
  });

  it('cuts a line without end after sentences', () => {
    const pieces = piecesOf('Some words of a line. '.repeat(1000));
    expect(pieces.length).toBeGreaterThan(3);
    expect(pieces.every((piece) => piece.startsWith('Some') && piece.endsWith('. '))).toBe(true);
  });

  it('cuts a sentence without end at spaces, and an endless word anywhere but inside a character', () => {
    expect(piecesOf('word '.repeat(5000)).every((piece) => piece.startsWith('word'))).toBe(true);
    const pieces = piecesOf(`x${'\u{1F600}'.repeat(10_000)}`);
    expect(pieces.length).toBeGreaterThan(2);
    expect(pieces.every((piece) => piece.isWellFormed())).toBe(true);
  });

  it('keeps every text whole, in pieces of bounded length', () => {
    const part = fc.constantFrom('\n', ' ', '. ', 'word', '\u{1F600}', 'x'.repeat(3000));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 60 }), (parts) => {
        const text = parts.join('');
        const pieces = piecesOf(text);
        expect(pieces.join('')).toBe(text);
        expect(pieces.every((piece) => piece.length > 0 && piece.length <= pieceLength.most)).toBe(true);
        expect(pieces.slice(0, -1).every((piece) => piece.length >= pieceLength.least - 1)).toBe(true);
      }),
    );
  });
});
