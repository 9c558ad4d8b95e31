import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chunkPlace } from '../../../src/shared/audit/chunk-place.ts';
import { evidenceSpans } from '../../../src/shared/audit/evidence.ts';
import { wordsOf } from '../../../src/shared/audit/words.ts';

const chunk =
  'The Harbour Board met on 14 March 1921. After long debate the committee for lights, led by Ada Bright, granted ' +
  '£1,204 for the new lamp. The committee for ropes asked for less, and the board agreed to wait.';

const shown = (answer: string, text = chunk): string[] =>
  evidenceSpans(text, answer).map(({ start, end }) => text.slice(start, end));

test('numbers and names alone, other words only together', () => {
  expect(shown('It granted 1204 pounds.')).toEqual(['granted £1,204']);
  expect(shown('Ada Bright did.')).toEqual(['Ada Bright']);
  expect(shown('In 1921, said bright.')).toEqual(['1921', 'Bright']);
  expect(shown('The committee met and the board sat on it.')).toEqual([]);
  expect(shown('It was the committee for ropes asked for less money')).toEqual([
    'The committee for ropes asked for less',
  ]);
  expect(shown('Nothing of the sort.')).toEqual([]);
  expect(shown('')).toEqual([]);
  expect(evidenceSpans('', 'Ada Bright')).toEqual([]);
});

test('longer and rarer stretches are stronger', () => {
  const strength = (answer: string, text = chunk): number => evidenceSpans(text, answer)[0]?.strength ?? 0;
  expect(strength('the committee for lights, led by Ada Bright')).toBeGreaterThan(strength('Ada Bright'));
  expect(strength('1921')).toBeGreaterThan(strength('1921', 'In 1921, in 1921 and in 1921 again.'));
  expect(strength('1921')).toBeGreaterThan(strength('Bright'));
});

test('languages without spaces are compared by character; accents and case do not matter where Unicode says so', () => {
  expect(shown('委員会は灯台に同意した', '昨日、委員会は灯台に反対した。')).toEqual(['委員会は灯台に']);
  expect(shown('Él vio a JOSÉ PÉREZ', 'Entonces vino José Pérez.')).toEqual(['José Pérez']);
});

test('any texts: spans are in order, apart, inside, on whole words, and the answer has their words', () => {
  const text = fc.array(fc.constantFrom('a', 'the', 'Ada', 'ropes', '12', '1,204', '.', '\n', '語', '😀', 'é'), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(text, text, (a, b) => {
      const [one, other] = [a.join(' '), b.join(' ')];
      let before = 0;
      for (const { start, end, strength } of evidenceSpans(one, other)) {
        expect(start).toBeGreaterThanOrEqual(before);
        expect(end).toBeGreaterThan(start);
        expect(strength).toBeGreaterThan(0);
        expect(strength).toBeLessThan(1);
        const words = (value: string) =>
          value
            .replaceAll(/[^\p{L}\p{N},]+/gu, ' ')
            .trim()
            .toLowerCase();
        expect(` ${words(other)} `).toContain(` ${words(one.slice(start, end))} `);
        before = end;
      }
    }),
  );
});

test('texts made to be slow are not: so many comparisons a word, however long they are', () => {
  const unlike = Array.from({ length: 50_000 }, (_, i) => `w${i}`).join(' ');
  const often = `x ${'the '.repeat(300)}`.repeat(48);
  const pairs: readonly (readonly [string, string])[] = [
    ['a '.repeat(20_000), 'a '.repeat(20_000)],
    ['Ada 1 '.repeat(20_000), 'Ada 1 '.repeat(20_000)],
    [' '.repeat(200_000) + 'A', 'A'],
    [often, often],
    [unlike, unlike],
  ];
  for (const [text, answer] of pairs) {
    const work = { comparisons: 0 };
    evidenceSpans(text, answer, work);
    // Every word with every word would be 70 to 250 times as many.
    expect(work.comparisons).toBeLessThan(100 * (wordsOf(text).length + wordsOf(answer).length));
  }
});

test('the place of a chunk', () => {
  expect(chunkPlace(50, 75, 200)).toEqual({ start: 0.25, end: 0.375 });
  expect(chunkPlace(0, 10, 5)).toEqual({ start: 0, end: 1 });
  expect(chunkPlace(0, 0, 0)).toEqual({ start: 0, end: 1 });
});
