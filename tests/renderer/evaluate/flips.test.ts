import { expect, test } from 'vitest';
import { sideBySide } from '../../../src/renderer/pages/evaluate/flips.ts';
import type { EvaluationItem } from '../../../src/shared/evaluations.ts';

const item = (index: number, score: number, detail: EvaluationItem['detail'] = null): EvaluationItem => ({
  ...{ index, question: `q${index}`, expected: 'e', answer: 'a', score, detail },
});

test('each item says what became of it', () => {
  const base = [item(0, 0), item(1, 1), item(2, 1), item(3, 0), item(4, 0, { finish: 'too_long' }), item(5, 1)];
  const tuned = [item(6, 1), item(0, 1), item(1, 0), item(2, 1), item(3, 0), item(4, 1)];
  expect(sideBySide(base, tuned).map(({ index, change }) => [index, change])).toEqual([
    [0, 'became right'],
    [1, 'became wrong'],
    [2, 'both right'],
    [3, 'both wrong'],
    [4, 'not comparable'],
    [5, 'not comparable'],
    [6, 'not comparable'],
  ]);
});
