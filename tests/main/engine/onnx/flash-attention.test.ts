import { describe, expect, it } from 'vitest';
import { reverseMode } from '../../../../src/main/engine/onnx/autodiff.ts';
import { attentionPlan, blockAttention } from '../../../../src/main/engine/onnx/block-attention.ts';
import { flashAttention, flashPlan } from '../../../../src/main/engine/onnx/flash-attention.ts';
import { Graph } from '../../../../src/main/engine/onnx/graph.ts';
import type { Value } from '../../../../src/main/engine/onnx/graph.ts';
import { blockRows } from '../../../../src/main/engine/resident/block-rows.ts';
import { flashRows } from '../../../../src/main/engine/resident/flash-rows.ts';
import { uniform } from './finite-difference.ts';
import { float32, runGraph } from './run-graph.ts';

const HEADS = { kvHeads: 4, groups: 2, headDim: 8 };
const QUERY = HEADS.kvHeads * HEADS.groups * HEADS.headDim;
const KEY = HEADS.kvHeads * HEADS.headDim;

/** Tensors by row of the tree. */
interface Rows {
  readonly q: readonly number[];
  readonly k: readonly number[];
  readonly v: readonly number[];
  readonly gradient: readonly number[];
}

type Result = Record<string, { readonly data: number[] }>;

/** Runs a composite on the rows where `place` puts them, and gives output and gradients of the real rows. */
async function run(
  rows: Rows,
  count: number,
  { length, place }: { readonly length: number; readonly place: (row: number) => number },
  build: (g: Graph, q: Value, k: Value, v: Value) => Value,
  feeds: Record<string, ReturnType<typeof float32>> = {},
): Promise<Record<'output' | 'dq' | 'dk' | 'dv', number[]>> {
  const g = new Graph('attention');
  const input = (name: string, width: number): Value => g.input(name, 'float32', ['T', width]);
  const wrt = [input('q', QUERY), input('k', KEY), input('v', KEY)] as const;
  const { result, tape } = g.record(() => build(g, ...wrt));
  const gradients = reverseMode(g, tape, [{ value: result, gradient: input('gradient', QUERY) }], wrt);
  g.output(result, 'output');
  ['dq', 'dk', 'dv'].forEach((name, i) => g.output(gradients[i] ?? expect.fail(`no ${name}`), name));
  const placed = (values: readonly number[], width: number): ReturnType<typeof float32> => {
    const out = new Array<number>(length * width).fill(0);
    values.forEach((value, i) => (out[place(Math.floor(i / width)) * width + (i % width)] = value));
    return float32(out, [length, width]);
  };
  const [found]: (Result | undefined)[] = await runGraph(g, {
    q: placed(rows.q, QUERY),
    k: placed(rows.k, KEY),
    v: placed(rows.v, KEY),
    gradient: placed(rows.gradient, QUERY),
    ...feeds,
  });
  const real = (name: string, width: number): number[] =>
    Array.from({ length: count * width }, (_, i) => {
      return found?.[name]?.data[place(Math.floor(i / width)) * width + (i % width)] ?? NaN;
    });
  return { output: real('output', QUERY), dq: real('dq', QUERY), dk: real('dk', KEY), dv: real('dv', KEY) };
}

function relative(a: readonly number[], b: readonly number[]): number {
  const norm = (list: readonly number[]): number => Math.hypot(...list);
  return norm(a.map((x, i) => x - (b[i] ?? NaN))) / norm(b);
}

describe('flash attention over a tree of rows equals attention by blocks', () => {
  // [prefix, first branch, second branch, largest block]
  const trees: readonly (readonly [number, number, number, number])[] = [
    [40, 10, 12, 16],
    [24, 8, 40, 16],
    [5, 3, 4, 64],
    [33, 0, 0, 16],
    [1, 6, 7, 8],
  ];
  describe.each([HEADS.kvHeads, 2, 1])('%i heads at once', (headsAtOnce) => {
    it.each(trees)('tree [%i | %i | %i], blocks up to %i', async (prefix, first, second, block) => {
      const count = prefix + first + second;
      const rows: Rows = {
        q: uniform(count * QUERY, 1, [-2, 2]),
        k: uniform(count * KEY, 2, [-2, 2]),
        v: uniform(count * KEY, 3),
        gradient: uniform(count * QUERY, 4),
      };
      const byBlocks = blockRows({ prefix, first, second }, 7);
      const expected = await run(rows, count, byBlocks, (g, q, k, v) => {
        const table = g.constant('int64', Array.from(byBlocks.table, Number), [byBlocks.table.length / 4, 4]);
        const plan = attentionPlan(g, table, g.constant('int64', [byBlocks.block]), HEADS.groups, 'float32');
        return blockAttention(g, { q, k, v, ...HEADS, plan });
      });
      const layout = flashRows({ prefix, first, second }, { block, chunk: 64 });
      const found = await run(
        rows,
        count,
        layout,
        (g, q, k, v) => {
          const ruler = (name: string): Value => g.input(name, 'float32', [name]);
          const rulers = {
            prefix: ruler('prefix'),
            trunk: ruler('trunk'),
            block: ruler('block'),
            secondBlock: ruler('secondBlock'),
            heads: ruler('heads'),
          };
          const plan = flashPlan(g, rulers, HEADS, q, 'float32', true);
          return flashAttention(g, { q, k, v, plan });
        },
        Object.fromEntries(
          (['prefix', 'trunk', 'block', 'secondBlock', 'heads'] as const).map((name) => [
            name,
            float32(new Array<number>({ ...layout, heads: headsAtOnce }[name]).fill(0)),
          ]),
        ),
      );
      for (const name of ['output', 'dq', 'dk', 'dv'] as const) {
        expect(relative(found[name], expected[name]), name).toBeLessThan(2e-6);
      }
    });
  });
});
