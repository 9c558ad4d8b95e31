import { expect, it } from 'vitest';
import { argmax, chosen, rowOf, scoreRows } from '../../../../../src/main/engine/evaluation/multiple-choice/score.ts';
import type { ModelRunner } from '../../../../../src/main/engine/model/runner.ts';
import { stateOf } from '../../generation/ngram-runner.ts';

const ids = (...tokens: number[]): Int32Array => Int32Array.from(tokens);
const logp = (history: readonly number[], target: number): number =>
  -((history.reduce((sum, token, i) => sum + token * (i + 1), 0) + 7 * target) % 97) / 10;

/** A log-probability that depends on every token before; a branch of the tree sees the prefix and itself. */
const runner: Pick<ModelRunner, 'score'> = {
  score: async ({ ids: tree, prefix, first, second }, { from, target }) => {
    expect(tree.length).toBe(prefix + first + second);
    expect(first === 0 && second > 0).toBe(false);
    return Float32Array.from(from, (row, m) => {
      const own =
        row < prefix + first
          ? tree.slice(0, row + 1)
          : [...tree.slice(0, prefix), ...tree.slice(prefix + first, row + 1)];
      return logp([...own], target[m] ?? NaN);
    });
  },
};
const alone = (row: { ids: Int32Array; first: number }): number => {
  let sum = 0;
  for (let t = row.first; t < row.ids.length; t += 1) sum += logp([...row.ids.slice(0, t)], row.ids[t] ?? NaN);
  return sum;
};

it('gives each row what it has alone, whatever it shares with others', async () => {
  const sets = [
    [ids(1, 2, 3, 4), ids(1, 2, 3, 5), ids(1, 2, 3, 6)],
    [ids(1, 2, 3, 4, 5), ids(1, 2, 7, 8), ids(1, 2, 3), ids(9, 2, 3, 4)],
    [ids(1, 2, 3), ids(1, 2, 3, 4, 5, 6), ids(1, 2, 3, 4)],
    [ids(4, 5)],
  ];
  for (const set of sets) {
    const rows = set.map((tokens) => ({ ids: tokens, first: 1 }));
    const sums = await scoreRows(runner, stateOf(16), rows);
    for (const [i, row] of rows.entries()) expect(sums[i]).toBeCloseTo(alone(row), 4);
  }
});

it('splits context and continuation as lm-evaluation-harness does', () => {
  const tokenizer = { encode: (text: string) => Int32Array.from(text, (letter) => letter.charCodeAt(0)) };
  const row = rowOf(tokenizer, ids(1), { context: 'ab ', continuation: 'cd' }, 100);
  expect([[...row.ids], row.first]).toEqual([[1, 97, 98, 32, 99, 100], 3]);
  const cut = rowOf(tokenizer, ids(), { context: 'abcdef', continuation: ' g' }, 4);
  expect([String.fromCharCode(...cut.ids), cut.first]).toEqual(['def g', 3]);
});

it('chooses the first of the best, by sum and by sum over characters', () => {
  expect(argmax([-3, -1, -1])).toBe(1);
  expect(chosen([-3, -4], ['a', 'a long one'])).toEqual({ acc: 0, accNorm: 1 });
  expect(chosen([-2, -2.5], ['\u{1F600}', 'ab']).accNorm).toBe(1);
});
