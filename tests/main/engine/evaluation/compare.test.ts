import { expect, it } from 'vitest';
import { compareModels } from '../../../../src/main/engine/evaluation/compare.ts';

it('compares on shared items, against the first model, and names the flips', () => {
  const comparison = compareModels([
    { name: 'base', values: [1, 0, 0, 1, null] },
    { name: 'tuned', values: [1, 1, 1, 0, 1] },
  ]);
  expect(comparison.items).toEqual([0, 1, 2, 3]);
  expect(comparison.rows[0]).toMatchObject({
    name: 'base',
    mean: { value: 0.5, n: 4 },
    difference: null,
    better: [],
    worse: [],
  });
  expect(comparison.rows[1]).toMatchObject({
    mean: { value: 0.75 },
    difference: { value: 0.25, n: 4 },
    better: [1, 2],
    worse: [3],
  });
});

it('turns better and worse round for losses', () => {
  const models = [
    { name: 'base', values: [2, 2] },
    { name: 'tuned', values: [1, 3] },
  ];
  expect(compareModels(models, { higherIsBetter: false }).rows[1]).toMatchObject({
    better: [0],
    worse: [1],
    difference: { value: 0 },
  });
});

it('refuses models that saw other items', () => {
  const models = [
    { name: 'a', values: [1] },
    { name: 'b', values: [1, 0] },
  ];
  expect(() => compareModels(models)).toThrow('same items');
  expect(compareModels([])).toEqual({ rows: [], items: [] });
});
