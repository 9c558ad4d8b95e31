import { expect, test } from 'vitest';
import { noSpikes, remarksOn } from '../../../src/renderer/pages/runs/loss-watch.ts';
import type { MetricName } from '../../../src/shared/metrics.ts';

const curve = (key: MetricName, values: readonly number[]) => new Map([[key, values.map((y, i) => ({ x: i + 1, y }))]]);
const noise = (i: number): number => 0.05 * Math.sin(i * 12.9898);
const falling = Array.from({ length: 200 }, (_, i) => 3 * Math.exp(-i / 60) + 1 + noise(i));

test('a loss that falls with noise is nothing to remark on', () => {
  expect(remarksOn(curve('loss', falling))).toEqual([]);
  expect(remarksOn(new Map())).toEqual([]);
});

test('a spike is told with its step', () => {
  const values = falling.with(120, 6);
  expect(remarksOn(curve('loss', values))).toMatchObject([{ kind: 'spike', step: 121 }]);
});

test('many spikes are counted', () => {
  const values = falling.map((y, i) => (i > 50 && i % 15 === 0 ? 9 : y));
  const remarks = remarksOn(curve('loss', values));
  expect(remarks).toHaveLength(6);
  expect(remarks.at(-1)?.text).toMatch(/^10 loss spikes/);
});

test('a loss that rises for good is diverging, and the best step is named', () => {
  const values = Array.from({ length: 200 }, (_, i) => (i < 60 ? 3 - i / 60 : 2 + (i - 60) / 40) + noise(i));
  const [remark] = remarksOn(curve('loss', values)).filter(({ kind }) => kind === 'diverging');
  expect(remark?.step).toBeGreaterThan(35);
  expect(remark?.step).toBeLessThan(85);
});

test('what is no number is told for any metric', () => {
  expect(remarksOn(curve('grad_norm', [1, Number.NaN]))).toMatchObject([{ kind: 'not finite', step: 2 }]);
});

const long = Array.from({ length: 20_000 }, (_, i) => 1 + noise(i))
  .with(100, 6)
  .with(19_000, 7);

test('a spike at the beginning of a long run is told as well', () => {
  expect(remarksOn(curve('loss', long)).map(({ step }) => step)).toEqual([101, 19_001]);
});

test('what is told follows from the history alone, however often it was looked at; another history starts anew', () => {
  const memory = noSpikes();
  for (let steps = 90; steps <= 400; steps += 7) {
    const points = curve('loss', long.slice(0, steps));
    expect(remarksOn(points, memory)).toEqual(remarksOn(points));
  }
  // Cut back by a resumed run, then others in the place of those that were.
  for (const values of [falling.slice(0, 80), falling.with(120, 6), falling.map((y) => y + 1e-3).with(150, 6)]) {
    expect(remarksOn(curve('loss', values), memory)).toEqual(remarksOn(curve('loss', values)));
  }
});
