import { describe, expect, test } from 'vitest';
import { lineChart, movingMean, smoothingWindow } from '../../../src/main/cli/chart.ts';

const falling = Array.from({ length: 76 }, (_, i) => ({
  x: i + 1,
  y: 2 * Math.exp(-i / 20) + 0.4 + Math.sin(i * 7.3) * 0.15,
}));
const options = { title: 'Loss', unit: 'nats', xLabel: 'step', width: 60 };

describe('lineChart', () => {
  test('draws values as dots and their moving mean as a line', () => {
    expect(lineChart(falling, { ...options, height: 6 })).toMatchInlineSnapshot(`
      "Loss (nats)
      2.43 ┤─╮⡀
           ┤ ╰────╮
      1.58 ┤      ╰───╮
           ┤          ╰───────╮⡀
           ┤                ⠂⠂╰────────────────────╮⡀ ╭╮
      0.31 ┤                        ⠈⠁  ⠈⠐⠁  ⠢⠐ ⠈⠂⠤╰──╯╰─────────
            1                                             step 76
            dots: every value; line: mean of 9 values"
    `);
  });

  test('leaves the line out where there are too few values for a mean', () => {
    expect(lineChart(falling.slice(0, 4), { ...options, width: 40, height: 4 })).toMatchInlineSnapshot(`
      "Loss (nats)
      2.430 ┤⠄         ⠈
      2.332 ┤                     ⠁
            ┤
      2.135 ┤                               ⢀
             1                         step 4"
    `);
  });

  test('keeps within its width', () => {
    for (const width of [50, 80, 200]) {
      const lines = lineChart(falling, { ...options, width }).split('\n');
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
    }
  });

  test('counts the values that it cannot show', () => {
    const broken = falling.map((point, i) => (i > 70 ? { ...point, y: NaN } : point));
    expect(lineChart(broken, options)).toContain('not shown: 5 of 76 values are not finite');
    expect(lineChart([{ x: 1, y: Infinity }], options)).toBe('Loss (nats): no finite values');
  });

  test('shows equal values in the middle', () => {
    const flat = Array.from({ length: 5 }, (_, x) => ({ x, y: 3 }));
    expect(lineChart(flat, { ...options, width: 30, height: 3 })).toMatchInlineSnapshot(`
      "Loss (nats)
      3.50 ┤
      3.00 ┤⠄    ⠠     ⠠     ⠄    ⠠
      2.50 ┤
            0                step 4"
    `);
  });
});

test('the moving mean takes in what there is at the ends', () => {
  expect(movingMean([1, 2, 3, 10], 3)).toEqual([1.5, 2, 5, 6.5]);
  expect(movingMean([1, 2], 1)).toEqual([1, 2]);
  expect([9, 10, 76, 1000].map(smoothingWindow)).toEqual([1, 3, 9, 101]);
});
