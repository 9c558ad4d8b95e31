import { describe, expect, it } from 'vitest';
import { needleCells, needleItems } from '../../../../src/main/engine/evaluation/needle.ts';

const countTokens = (text: string): number => text.match(/\w+|[^\w\s]/g)?.length ?? 0;
const grid = { lengths: [200, 1000], depths: [0, 0.25, 0.5, 0.75, 1], itemsPerCell: 2, seed: 3 };

describe('needleItems', () => {
  const items = needleItems(grid, countTokens);

  it('fills the grid, the same for a seed', () => {
    expect(items.length).toBe(20);
    expect(needleItems(grid, countTokens)).toEqual(items);
    expect(needleItems({ ...grid, seed: 4 }, countTokens)).not.toEqual(items);
    expect(new Set(items.map((item) => item.answer)).size).toBe(20);
  });

  it('has the length and the depth asked for, within a sentence', () => {
    for (const item of items) {
      expect(item.contextTokens).toBeLessThanOrEqual(item.length);
      expect(item.contextTokens).toBeGreaterThan(item.length - 20);
      const needle = /The special magic number for \w+ is (\d{7})\./.exec(item.context);
      expect(needle?.[1]).toBe(item.answer);
      const before = countTokens(item.context.slice(0, needle?.index));
      const filler = item.contextTokens - countTokens(needle?.[0] ?? '');
      expect(Math.abs(before / filler - item.depth) * filler).toBeLessThanOrEqual(8);
      expect(item.context.slice(0, needle?.index)).toMatch(/^$|\. $/);
    }
  });

  it('sums answers by cell', () => {
    const answers = items.map((_, index) => ({
      ...{ index, answer: '', finish: 'stop' as const, promptTokens: 1 },
      correct: index === 0 ? null : index % 2 === 1,
    }));
    const cells = needleCells(items, answers);
    expect(cells.length).toBe(10);
    expect(cells[0]).toMatchObject({ length: 200, depth: 0, accuracy: { value: 1, n: 1 } });
    expect(cells[9]).toMatchObject({ length: 1000, depth: 1, accuracy: { value: 0.5, n: 2 } });
  });
});
