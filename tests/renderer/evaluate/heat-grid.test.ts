import { expect, it } from 'vitest';
import { heatColours, heatCsv, heatGrid } from '../../../src/renderer/pages/evaluate/heat-grid.ts';

const summary = {
  ...{ score: 0.5, 'score/8192': 0.5, 'score/8192/low': 0.2 },
  ...{ 'score/8192/0.5': 0.25, 'score/8192/0.5/low': 0.1, 'score/8192/0.5/high': 0.5, 'score/8192/0.5/n': 20 },
  ...{ 'score/4096/0': 1, 'score/4096/0/low': 0.8, 'score/4096/0/high': 1, 'score/4096/0/n': 20 },
};

it('reads the cells of a summary', () => {
  const grid = heatGrid(summary);
  expect(grid).toEqual({
    lengths: [4096, 8192],
    depths: [0, 0.5],
    cells: [
      { length: 8192, depth: 0.5, value: 0.25, low: 0.1, high: 0.5, n: 20 },
      { length: 4096, depth: 0, value: 1, low: 0.8, high: 1, n: 20 },
    ],
  });
  if (grid === null) throw new Error('no grid');
  expect(heatCsv(grid)).toBe('length,depth,score,low,high,items\n8192,0.5,0.25,0.1,0.5,20\n4096,0,1,0.8,1,20\n');
});

it('has none where depths were not asked for', () => {
  expect(heatGrid({ score: 1, 'score/4096': 1 })).toBeNull();
  expect(heatGrid(null)).toBeNull();
});

it('becomes lighter with the share, and its writing can be read', () => {
  const light = (colour: string): number => {
    const [red = 0, green = 0, blue = 0] = (colour.match(/\d+/g) ?? []).map((part) => {
      const value = Number(part) / 255;
      return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  let before = -1;
  for (let share = 0; share <= 1.0001; share += 0.05) {
    const { fill, text } = heatColours(share);
    const lightness = light(fill);
    expect(lightness).toBeGreaterThan(before);
    before = lightness;
    const ink = text === '#ffffff' ? 1 : 0;
    // WCAG's contrast.
    expect((Math.max(lightness, ink) + 0.05) / (Math.min(lightness, ink) + 0.05)).toBeGreaterThan(4.5);
  }
});
