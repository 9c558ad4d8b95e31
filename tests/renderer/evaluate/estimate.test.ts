import { expect, test } from 'vitest';
import { estimateRow, sizeInWords, timeInWords } from '../../../src/renderer/pages/evaluate/estimate.ts';
import type { TaskEstimate, TaskSize } from '../../../src/shared/api/evaluations.ts';

const size = (more: Partial<TaskSize> = {}): TaskSize => ({
  ...{ items: 48, read: 21_000, written: 672, bound: 'about', tooLong: 0 },
  ...more,
});
const timed = (low: number, high: number, evaluationId: number): TaskEstimate => ({
  ...{ size: size(), time: { low, high, evaluationId } },
});
const untimed: TaskEstimate = { size: size(), time: null };

test('sizes of a card in words; nothing where one of them is not known', () => {
  expect(sizeInWords([size()])).toBe('48 items, about 21K tokens to read');
  expect(sizeInWords([size({ bound: 'most' }), size({ bound: 'most', items: 1 })])).toBe(
    '49 items, at most 42K tokens to read',
  );
  expect(sizeInWords([size({ items: 1 }), size({ items: 0, read: 0 })])).toBe('1 item, about 21K tokens to read');
  expect(sizeInWords([size(), size({ read: null })])).toBe('');
  expect(sizeInWords([])).toBe('');
});

test('time of all models together, and never a number for what is not known', () => {
  expect(timeInWords([timed(10, 10, 1), timed(20, 21, 2)], 2)).toBe('about 31 s');
  expect(timeInWords([timed(10, 20, 1), timed(20, 45, 2)], 2)).toBe('30 s to 1 min 05 s');
  expect(timeInWords([timed(10, 20, 1), untimed], 2)).toBe('at least 10 s, the rest is not known yet');
  expect(timeInWords([timed(10, 20, 1)], 2)).toBe('at least 10 s, the rest is not known yet');
  expect(timeInWords([untimed, untimed], 2)).toBe('not known yet');
});

test('a row of several models: items of one, tokens of all', () => {
  expect(estimateRow([timed(10, 10, 7), timed(20, 20, 7)], 2)).toEqual({
    ...{ items: '48', read: 'about 42K', written: '1.3K', time: 'about 30 s', by: [7] },
  });
  const unknown = { size: size({ read: null, written: null, tooLong: 2 }), time: null };
  expect(estimateRow([timed(10, 10, 7), unknown], 2)).toMatchObject({
    ...{ items: '48 (2 too long)', read: 'not known yet', written: 'not known yet' },
  });
  expect(estimateRow([timed(10, 10, 7)], 2)).toMatchObject({ items: '48', read: 'not known yet' });
});
