import type { Value } from './graph.ts';
import { Graph } from './graph.ts';
import * as o from './ops.ts';

/**
 * Which keys each block of queries sees, the same for all layers. Block i holds the rows [i * block, (i + 1) * block)
 * and sees two ranges of keys, the last `block` of which are the block itself, seen causally.
 */
export interface AttentionPlan {
  /**
   * int64 [blocks, 4]: lengths of the seen range that starts at key 0, of the gap after it, of the second seen range, and
   * of the rest; they add up to T.
   */
  readonly table: Value;
  /** Rows in a block, an int64 vector of length 1; T is a multiple of it. */
  readonly block: Value;
  /** [groups * block, block]: 0 on and below the diagonal of each group, -inf above. */
  readonly diagonal: Value;
}

/** Softmax attention over grouped heads, batch 1, heads side by side in the last axis. */
export interface AttentionInput {
  /** Queries [T, kvHeads * groups * headDim]; head h = kvHead * groups + group. */
  readonly q: Value;
  /** Keys and values [T, kvHeads * headDim]. */
  readonly k: Value;
  readonly v: Value;
  readonly kvHeads: number;
  readonly groups: number;
  readonly headDim: number;
  readonly plan: AttentionPlan;
}

/** The plan's shared part; make it once a program, outside the layers. */
export function attentionPlan(
  g: Graph,
  table: Value,
  block: Value,
  groups: number,
  dtype: Value['dtype'],
): AttentionPlan {
  const square = o.full(g, dtype, o.shapeVector(g, block, block), -Infinity);
  const diagonal = g.op('Trilu', [square, g.constant('int64', 1)], { upper: 1 });
  return {
    table,
    block,
    diagonal: o.concat(
      g,
      Array.from({ length: groups }, () => diagonal),
      0,
    ),
  };
}

/** Views by head that forward and backward share: queries [KV, GR, T, D], keys and values [KV, T, D]. */
interface Heads {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
}

function queryHeads(g: Graph, x: Value, { kvHeads, groups, headDim }: AttentionInput): Value {
  return o.transpose(g, o.reshape(g, x, [-1, kvHeads, groups, headDim]), [1, 2, 0, 3]);
}

function keyHeads(g: Graph, x: Value, { kvHeads, headDim }: AttentionInput): Value {
  return o.transpose(g, o.reshape(g, x, [-1, kvHeads, headDim]), [1, 0, 2]);
}

/** [KV, GR * block, D] as rows [block, KV * GR * D]. */
function queryRows(b: Graph, x: Value, { kvHeads, groups, headDim }: AttentionInput): Value {
  const split = o.reshape(b, x, [kvHeads, groups, -1, headDim]);
  return o.reshape(b, o.transpose(b, split, [2, 0, 1, 3]), [-1, kvHeads * groups * headDim]);
}

/** [KV, T, D] as rows [T, KV * D]. */
function keyRows(g: Graph, x: Value, { kvHeads, headDim }: AttentionInput): Value {
  return o.reshape(g, o.transpose(g, x, [1, 0, 2]), [-1, kvHeads * headDim]);
}

/** One iteration of a loop over blocks. */
interface Block {
  readonly b: Graph;
  /** Rows of this block of a tensor [KV, GR, T, *], as [KV, GR * block, *]. */
  readonly rows: (x: Value, width: number) => Value;
  /** Lengths of the two seen ranges, and all four lengths. */
  readonly first: Value;
  readonly second: Value;
  readonly sizes: Value;
  /** The seen rows of a tensor [KV, T, D]. */
  readonly seen: (x: Value) => Value;
  /** softmax(scale * Q K^T + mask) [KV, GR * block, keys] from the block's queries and its seen keys. */
  readonly probabilities: (q: Value, k: Value) => Value;
}

function openBlock(g: Graph, label: string, input: AttentionInput): Block {
  const { plan, kvHeads, headDim } = input;
  const b = new Graph(label, g);
  const iteration = o.unsqueeze(b, b.anonymousInput('block', 'int64', []), 0);
  b.output(b.anonymousInput('condition', 'bool', []));
  const start = o.mul(b, iteration, plan.block);
  const end = o.add(b, start, plan.block);
  const sizes = o.squeeze(b, o.gather(b, plan.table, iteration), 0);
  const [first, gap, second] = o.split(b, sizes, [1, 1, 1, 1], 0);
  if (first === undefined || gap === undefined || second === undefined) throw new Error('four lengths');
  const from = o.add(b, first, gap);
  const to = o.add(b, from, second);
  return {
    b,
    rows: (x, width) => o.reshape(b, o.slice(b, x, start, end, 2), [kvHeads, -1, width]),
    first,
    second,
    sizes,
    seen: (x) => o.concat(b, [o.slice(b, x, 0, first, 1), o.slice(b, x, from, to, 1)], 1),
    probabilities: (q, k) => {
      const scores = o.fusedMatMul(b, q, k, { transB: true, alpha: headDim ** -0.5 });
      const open = o.shapeVector(b, o.dimOf(b, plan.diagonal, 0), o.sub(b, o.dimOf(b, k, 1), plan.block));
      const mask = o.concat(b, [o.full(b, q.dtype, open), plan.diagonal], 1);
      return o.softmax(b, o.add(b, scores, mask));
    },
  };
}

function blockCount(g: Graph, { plan }: AttentionInput): Value {
  return o.squeeze(g, o.dimOf(g, plan.table, 0), 0);
}

function forward(g: Graph, input: AttentionInput, heads: Heads): Value {
  const { b, rows, seen, probabilities } = openBlock(g, 'attention_forward', input);
  const p = probabilities(rows(heads.q, input.headDim), seen(heads.k));
  b.output(queryRows(b, o.matmul(b, p, seen(heads.v)), input));
  const scanned = g.op('Loop', [blockCount(g, input), undefined], { body: b });
  return o.reshape(g, scanned, o.shapeOf(g, input.q));
}

/** sum + part, where part [KV, first + second, D] covers the two seen ranges of sum [KV, T, D]. */
function addSeen({ b, first, second, sizes }: Block, sum: Value, part: Value): Value {
  const [s0, s1, s2, s3] = o.split(b, sum, sizes, 1);
  const [p0, p1] = o.split(b, part, o.concat(b, [first, second], 0), 1);
  if (!s0 || !s1 || !s2 || !s3 || !p0 || !p1) throw new Error('four and two pieces');
  return o.concat(b, [o.add(b, s0, p0), s1, o.add(b, s2, p1), s3], 1);
}

/**
 * Gradients block by block: dV = P^T dO, dS = P (dP - D) with dP = dO V^T and D = rowsum(dO O), dQ = scale dS K,
 * dK = scale dS^T Q (FlashAttention, Dao et al. 2022, section 3.1, without its tiling over keys).
 */
function backward(g: Graph, input: AttentionInput, heads: Heads, output: Value, gradient: Value): readonly Value[] {
  const { headDim } = input;
  const scale = headDim ** -0.5;
  const dO = queryHeads(g, gradient, input);
  const products = o.reshape(g, o.mul(g, gradient, output), [-1, input.kvHeads, input.groups, headDim]);
  const rowSums = o.transpose(g, o.reduceSum(g, products, [3], true), [1, 2, 0, 3]);

  const block = openBlock(g, 'attention_backward', input);
  const { b, rows, seen, probabilities } = block;
  const sumK = b.anonymousInput('dk', heads.k.dtype, heads.k.shape);
  const sumV = b.anonymousInput('dv', heads.k.dtype, heads.k.shape);
  const [q, d, k] = [rows(heads.q, headDim), rows(dO, headDim), seen(heads.k)];
  const p = probabilities(q, k);
  const dP = o.fusedMatMul(b, d, seen(heads.v), { transB: true });
  const dS = o.mul(b, p, o.sub(b, dP, rows(rowSums, 1)));
  b.output(addSeen(block, sumK, o.fusedMatMul(b, dS, q, { transA: true, alpha: scale })));
  b.output(addSeen(block, sumV, o.fusedMatMul(b, p, d, { transA: true })));
  b.output(queryRows(b, o.fusedMatMul(b, dS, k, { alpha: scale }), input));

  const zeros = o.full(g, heads.k.dtype, o.shapeOf(g, heads.k));
  const [dK, dV, dQ] = g.ops('Loop', [blockCount(g, input), undefined, zeros, zeros], { body: b }, { outputs: 3 });
  if (dK === undefined || dV === undefined || dQ === undefined) throw new Error('the loop has three outputs');
  return [o.reshape(g, dQ, o.shapeOf(g, input.q)), keyRows(g, dK, input), keyRows(g, dV, input)];
}

/**
 * Softmax attention by query blocks: memory grows with block * T, never with T * T. The backward rule computes the
 * probabilities again from q and k. Returns [T, kvHeads * groups * headDim].
 */
export function blockAttention(g: Graph, input: AttentionInput): Value {
  let heads: Heads | undefined;
  let residual: Value | undefined;
  const [output] = g.composite(
    [input.q, input.k, input.v],
    (graph) => {
      heads = {
        q: queryHeads(graph, input.q, input),
        k: keyHeads(graph, input.k, input),
        v: keyHeads(graph, input.v, input),
      };
      residual = forward(graph, input, heads);
      return [residual];
    },
    (graph, { gradients }) => {
      const [gradient] = gradients;
      if (gradient === undefined || residual === undefined || heads === undefined) return [];
      return backward(graph, input, heads, residual, gradient);
    },
  );
  if (output === undefined) throw new Error('attention has one output');
  return output;
}
