import { describe, expect, it } from 'vitest';
import { causalAttention } from '../../../../src/main/engine/onnx/attention.ts';
import { Graph } from '../../../../src/main/engine/onnx/graph.ts';
import type { Value } from '../../../../src/main/engine/onnx/graph.ts';
import type { Input } from './finite-difference.ts';
import { checkGradients, uniform } from './finite-difference.ts';
import { runGraph } from './run-graph.ts';

const x = (...shape: number[]): Input => ({ shape });
const int64 = (g: Graph, ...data: number[]): Value => g.constant('int64', data);

describe('causal attention by blocks', () => {
  const sizes = { kvHeads: 2, groups: 2, headDim: 3 };
  // [queries, keys, block]: whole blocks, a last block that is not full, one block, keys before the queries.
  const lengths: readonly (readonly [number, number, number])[] = [
    [4, 4, 2],
    [5, 5, 2],
    [3, 3, 8],
    [4, 7, 2],
    [5, 6, 3],
    [1, 4, 2],
    [1, 1, 1],
  ];

  it.each(lengths)('%i queries, %i keys, blocks of %i: gradient', async (n, m, block) => {
    const { gradients } = await checkGradients({
      inputs: [x(n, 12), x(m, 6), x(m, 6)],
      build: (g, q, k = q, v = q) => causalAttention(g, { q, k, v, ...sizes, block: int64(g, block) }),
    });
    expect(gradients).not.toContain(undefined);
  });

  it.each(lengths)('%i queries, %i keys, blocks of %i: values', async (n, m, block) => {
    const { kvHeads, groups, headDim } = sizes;
    const [q, k, v] = [uniform(n * 12, 1), uniform(m * 6, 2), uniform(m * 6, 3)];
    const g = new Graph('attention');
    const [qv, kv, vv] = [
      g.constant('float64', q, [n, 12]),
      g.constant('float64', k, [m, 6]),
      g.constant('float64', v, [m, 6]),
    ];
    g.output(causalAttention(g, { q: qv, k: kv, v: vv, ...sizes, block: int64(g, block) }), 'y');
    const [result] = await runGraph(g, {});
    for (let i = 0; i < n; i++) {
      for (let head = 0; head < kvHeads * groups; head++) {
        const at = (list: readonly number[], row: number, h: number, heads: number, d: number): number =>
          list[(row * heads + h) * headDim + d] ?? NaN;
        const kvHead = Math.floor(head / groups);
        const axes = Array.from({ length: headDim }, (_, d) => d);
        const seen = Array.from({ length: i + m - n + 1 }, (_, j) => j);
        const weights = seen.map((j) =>
          Math.exp(
            axes.reduce((sum, d) => sum + at(q, i, head, 4, d) * at(k, j, kvHead, 2, d), 0) / Math.sqrt(headDim),
          ),
        );
        const total = weights.reduce((a, b) => a + b, 0);
        for (const d of axes) {
          const expected = seen.reduce((sum, j) => sum + ((weights[j] ?? NaN) / total) * at(v, j, kvHead, 2, d), 0);
          // The scale passes through a float32 attribute.
          expect(result?.['y']?.data[(i * 4 + head) * headDim + d]).toBeCloseTo(expected, 6);
        }
      }
    }
  });
});
