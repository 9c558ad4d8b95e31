import { describe, expect, it } from 'vitest';
import { attentionPlan, blockAttention } from '../../../../src/main/engine/onnx/block-attention.ts';
import { Graph } from '../../../../src/main/engine/onnx/graph.ts';
import type { Value } from '../../../../src/main/engine/onnx/graph.ts';
import type { BlockRows } from '../../../../src/main/engine/resident/block-rows.ts';
import { blockRows } from '../../../../src/main/engine/resident/block-rows.ts';
import type { Input } from './finite-difference.ts';
import { checkGradients, uniform } from './finite-difference.ts';
import { runGraph } from './run-graph.ts';

const x = (...shape: number[]): Input => ({ shape });

describe('attention by blocks over a tree of rows', () => {
  const sizes = { kvHeads: 2, groups: 2, headDim: 3 };
  // [prefix, first branch, second branch, largest block]
  const trees: readonly (readonly [number, number, number, number])[] = [
    [4, 0, 0, 2],
    [5, 0, 0, 2],
    [3, 0, 0, 8],
    [1, 0, 0, 1],
    [3, 2, 2, 2],
    [2, 3, 4, 3],
    [1, 1, 1, 8],
    [4, 1, 5, 2],
  ];

  const attend = (g: Graph, rows: BlockRows, q: Value, k: Value, v: Value): Value => {
    const table = g.constant('int64', Array.from(rows.table, Number), [rows.table.length / 4, 4]);
    const plan = attentionPlan(g, table, g.constant('int64', [rows.block]), sizes.groups, q.dtype);
    return blockAttention(g, { q, k, v, ...sizes, plan });
  };

  it.each(trees)('tree [%i | %i | %i], blocks up to %i: gradient', async (prefix, first, second, limit) => {
    const rows = blockRows({ prefix, first, second }, limit);
    const { gradients } = await checkGradients({
      inputs: [x(rows.length, 12), x(rows.length, 6), x(rows.length, 6)],
      build: (g, q, k = q, v = q) => attend(g, rows, q, k, v),
    });
    expect(gradients).not.toContain(undefined);
  });

  it.each(trees)('tree [%i | %i | %i], blocks up to %i: values', async (prefix, first, second, limit) => {
    const { kvHeads, groups, headDim } = sizes;
    const rows = blockRows({ prefix, first, second }, limit);
    const n = rows.length;
    const [q, k, v] = [uniform(n * 12, 1), uniform(n * 6, 2), uniform(n * 6, 3)];
    const g = new Graph('attention');
    const constant = (data: readonly number[], width: number): Value => g.constant('float64', data, [n, width]);
    g.output(attend(g, rows, constant(q, 12), constant(k, 6), constant(v, 6)), 'y');
    const [result] = await runGraph(g, {});
    const branch = (row: number): number => (row < prefix ? 0 : row < prefix + first ? 1 : 2);
    for (let i = 0; i < prefix + first + second; i++) {
      const seen = Array.from({ length: i + 1 }, (_, j) => j).filter((j) => branch(j) === 0 || branch(j) === branch(i));
      for (let head = 0; head < kvHeads * groups; head++) {
        const at = (list: readonly number[], row: number, h: number, heads: number, d: number): number =>
          list[(rows.place(row) * heads + h) * headDim + d] ?? NaN;
        const kvHead = Math.floor(head / groups);
        const axes = Array.from({ length: headDim }, (_, d) => d);
        const weights = seen.map((j) =>
          Math.exp(
            axes.reduce((sum, d) => sum + at(q, i, head, 4, d) * at(k, j, kvHead, 2, d), 0) / Math.sqrt(headDim),
          ),
        );
        const total = weights.reduce((a, b) => a + b, 0);
        for (const d of axes) {
          const expected = seen.reduce((sum, j, s) => sum + ((weights[s] ?? NaN) / total) * at(v, j, kvHead, 2, d), 0);
          // The scale passes through a float32 attribute.
          expect(result?.['y']?.data[(rows.place(i) * 4 + head) * headDim + d]).toBeCloseTo(expected, 6);
        }
      }
    }
  });
});
