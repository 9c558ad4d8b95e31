import { expect, test } from 'vitest';
import { lastStep, longestKept } from '../../../src/renderer/charts/kept-history.ts';

test('six runs of any length are kept whole; of more, those that fit into the same room', () => {
  expect(longestKept(1)).toBe(Infinity);
  expect(longestKept(6)).toBe(Infinity);
  // Twenty runs of 38 steps are not drawn by the lowest and highest of 64 steps.
  expect(longestKept(20)).toBe(6000);
  expect(longestKept(7) * 7).toBeLessThanOrEqual(120_000);
});

test('the last step is that of the curve that goes furthest', () => {
  expect(lastStep(new Map())).toBe(0);
  const point = (x: number) => ({ x, y: 1 });
  expect(
    lastStep(
      new Map([
        ['loss', [point(1), point(40)]],
        ['eval_loss', [point(32)]],
        ['nll', []],
      ]),
    ),
  ).toBe(40);
});
