import { expect, test } from 'vitest';
import { shuffleKey } from '../../../src/main/workspace/audit-queue.ts';

test('the random order is one: no two pairs alike, every place equally likely, seeds independent', () => {
  const keys = new Set<number>();
  for (let id = 1; id <= 20_000; id += 1) keys.add(shuffleKey(7, id));
  expect(keys.size).toBe(20_000);

  // Which of ten pairs comes first, over many seeds (chi-squared with 9 degrees of freedom: 27.9 at p = 0.001).
  const first = new Array<number>(10).fill(0);
  const seeds = 5000;
  for (let seed = 0; seed < seeds; seed += 1) {
    let best = 1;
    for (let id = 2; id <= 10; id += 1) if (shuffleKey(seed, id) < shuffleKey(seed, best)) best = id;
    first[best - 1] = (first[best - 1] ?? 0) + 1;
  }
  const expected = seeds / 10;
  expect(first.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)).toBeLessThan(27.9);

  // Halves of the order under neighbouring seeds overlap as chance has it.
  const half = (seed: number): Set<number> => {
    const ids = Array.from({ length: 2000 }, (_, i) => i + 1);
    return new Set(ids.sort((a, b) => shuffleKey(seed, a) - shuffleKey(seed, b)).slice(0, 1000));
  };
  const [one, two] = [half(1), half(2)];
  const both = [...one].filter((id) => two.has(id)).length;
  expect(Math.abs(both - 500)).toBeLessThan(75);
});
