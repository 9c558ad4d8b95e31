import fc from 'fast-check';
import { expect, test } from 'vitest';
import { markedPieces } from '../../../src/renderer/pages/pairs/marked-pieces.ts';
import type { Span } from '../../../src/renderer/pages/pairs/marked-pieces.ts';
import { wordDiff } from '../../../src/renderer/pages/pairs/word-diff.ts';

const textsOf = (text: string, spans: readonly Span[]): string[] =>
  spans.map(({ start, end }) => text.slice(start, end));

/** The text without the spans. */
function without(text: string, spans: readonly Span[]): string {
  let rest = '';
  let at = 0;
  for (const { start, end } of spans) {
    rest += text.slice(at, start);
    at = end;
  }
  return rest + text.slice(at);
}

test('a word diff: what is not marked is the same in both texts', () => {
  const words = fc.array(fc.constantFrom('the', 'seal', 'fox', ' ', ', ', '\n', 'é', '<b>'), { maxLength: 30 });
  fc.assert(
    fc.property(words, words, (first, second) => {
      const [a, b] = [first.join(''), second.join('')];
      const diff = wordDiff(a, b);
      expect(without(a, diff.a)).toBe(without(b, diff.b));
      if (a === b) expect(diff).toEqual({ a: [], b: [] });
    }),
    { numRuns: 200 },
  );
  const [a, b] = ["Sven's seal waited.", "Sven's fox waited."];
  const diff = wordDiff(a, b);
  expect(textsOf(a, diff.a)).toEqual(['seal']);
  expect(textsOf(b, diff.b)).toEqual(['fox']);
});

test('two long texts without a word in common are told apart at once', () => {
  const text = (word: string): string => Array.from({ length: 20_000 }, (_, i) => `${word}${i}`).join(' ');
  const [a, b] = [text('a'), text('b')];
  const started = performance.now();
  expect(wordDiff(a, b)).toEqual({ a: [{ start: 0, end: a.length }], b: [{ start: 0, end: b.length }] });
  expect(performance.now() - started).toBeLessThan(4000); // far more than it takes; unbounded it would be minutes
});

test('marked pieces together are the text, and each names the markings that cover it', () => {
  const spans = fc.array(fc.tuple(fc.nat(6), fc.integer({ min: 1, max: 6 })), { maxLength: 6 }).map((gaps) => {
    let at = 0;
    return gaps.map(([gap, length]) => {
      const start = at + gap;
      at = start + length;
      return { start, end: at };
    });
  });
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), spans, spans, (text, first, second) => {
      const pieces = markedPieces(text, [
        { name: 'one', spans: first },
        { name: 'two', spans: second },
      ]);
      expect(pieces.map((piece) => piece.text).join('')).toBe(text);
      for (const { start, end, names } of pieces) {
        for (let at = start; at < end; at += 1) {
          const covers = (all: readonly Span[]): boolean => all.some((span) => span.start <= at && at < span.end);
          expect(names).toEqual([...(covers(first) ? ['one'] : []), ...(covers(second) ? ['two'] : [])]);
        }
      }
    }),
  );
});
