import { expect, test } from 'vitest';
import { passes, sideBySide } from '../../../src/renderer/pages/evaluate/flips.ts';
import type { EvaluationItem } from '../../../src/shared/evaluations.ts';

const item = (index: number, score: number, detail: EvaluationItem['detail'] = null): EvaluationItem => ({
  ...{ index, question: `q${index}`, expected: 'e', answer: 'a', score, detail },
});
const base = [item(0, 0), item(1, 1), item(2, 1), item(3, 0), item(4, 0, { finish: 'too_long' }), item(5, 1)];
const tuned = [item(6, 1), item(0, 1), item(1, 0), item(2, 1), item(3, 0), item(4, 1)];

test('each item says what became of it', () => {
  expect(sideBySide([base, tuned]).map(({ index, changes }) => [index, changes[1]])).toEqual([
    [0, 'won'],
    [1, 'lost'],
    [2, 'same'],
    [3, 'same'],
    [4, 'not comparable'],
    [5, 'not comparable'],
    [6, 'not comparable'],
  ]);
});

test('a part of the outputs more is a win, and so is a lower loss', () => {
  const [parts] = sideBySide([[item(0, 0.25)], [item(0, 0.5)]]);
  expect(parts?.changes).toEqual(['same', 'won']);
  const [loss] = sideBySide([[item(0, 2.5)], [item(0, 2.25)], [item(0, 3)]], 'lower');
  expect(loss?.changes).toEqual(['same', 'won', 'lost']);
});

test('an answer that the judge did not rate is not compared', () => {
  const [rated] = sideBySide([[item(0, 7, { rating: 7 })], [item(0, 0, { rating: null })]]);
  expect(rated?.changes[1]).toBe('not comparable');
});

test('what is looked for is counted for one model or for any', () => {
  const rows = sideBySide([base, tuned, [item(0, 0), item(1, 1), item(2, 0)]]);
  const shown = (...of: Parameters<typeof passes> extends [unknown, ...infer Rest] ? Rest : never) =>
    rows.filter((row) => passes(row, ...of)).map(({ index }) => index);
  expect(shown('all', null)).toHaveLength(7);
  expect(shown('flipped', null)).toEqual([0, 1, 2]);
  expect(shown('flipped', 1)).toEqual([0, 1]);
  expect(shown('lost', 2)).toEqual([2]);
  expect(shown('won', null)).toEqual([0]);
});
