import { unknownDim } from './dim.ts';
import type { Value } from './graph.ts';
import { Graph } from './graph.ts';
import * as o from './ops.ts';

/** Causal attention over grouped heads, batch 1, heads side by side in the last axis. */
export interface AttentionInput {
  /** Queries [N, kvHeads * groups * headDim]; head h = kvHead * groups + group. */
  readonly q: Value;
  /** Keys and values [M, kvHeads * headDim], M >= N: query i sees the keys 0 .. i + M - N. */
  readonly k: Value;
  readonly v: Value;
  readonly kvHeads: number;
  readonly groups: number;
  readonly headDim: number;
  /** Queries in one block, an int64 vector of length 1; bounds the score memory to [heads, block, M]. */
  readonly block: Value;
}

/** The padded, per-head views that forward and backward share. */
interface Heads {
  readonly q: Value; // [KV, GR, P, D], P = blocks * block
  readonly k: Value; // [KV, offset + P, D]
  readonly v: Value;
  readonly offset: Value; // M - N
  readonly blocks: Value;
  readonly rows: Value; // P
  readonly diagonal: Value; // [block, block]: 0 on and below the diagonal, -inf above
}

function padRows(g: Graph, x: Value, rows: Value): Value {
  const zeros = o.full(g, x.dtype, o.shapeVector(g, rows, Number(o.dim(x, 1))));
  return o.concat(g, [x, zeros], 0);
}

function heads(g: Graph, { q, k, v, kvHeads, groups, headDim, block }: AttentionInput): Heads {
  const n = o.dimOf(g, q, 0);
  const blocks = o.div(g, o.sub(g, o.add(g, n, block), 1), block);
  const rows = o.mul(g, blocks, block);
  const pad = o.sub(g, rows, n);
  const keys = (x: Value): Value =>
    o.transpose(g, o.reshape(g, padRows(g, x, pad), [-1, kvHeads, headDim]), [1, 0, 2]);
  const square = o.shapeVector(g, block, block);
  return {
    q: o.transpose(g, o.reshape(g, padRows(g, q, pad), [-1, kvHeads, groups, headDim]), [1, 2, 0, 3]),
    k: keys(k),
    v: keys(v),
    offset: o.sub(g, o.dimOf(g, k, 0), n),
    blocks: o.squeeze(g, blocks, 0),
    rows,
    diagonal: g.op('Trilu', [o.full(g, q.dtype, square, -Infinity), g.constant('int64', 1)], { upper: 1 }),
  };
}

/** One block of rows of a per-head tensor [KV, GR, P, D] as [KV, GR * block, D]. */
function blockRows(b: Graph, x: Value, start: Value, end: Value, input: AttentionInput): Value {
  return o.reshape(b, o.slice(b, x, start, end, 2), [input.kvHeads, -1, input.headDim]);
}

/** softmax(scale * Q K^T + mask) of one block, [KV, GR * block, keys]. */
function probabilities(b: Graph, q: Value, k: Value, h: Heads, input: AttentionInput): Value {
  const { block, kvHeads, groups, headDim } = input;
  const scores = o.fusedMatMul(b, q, k, { transB: true, alpha: headDim ** -0.5 });
  const before = o.sub(b, o.dimOf(b, k, 1), block);
  const mask = o.concat(b, [o.full(b, q.dtype, o.shapeVector(b, block, before)), h.diagonal], 1);
  const byGroup = o.reshape(b, scores, o.shapeVector(b, kvHeads, groups, block, -1));
  const p = o.softmax(b, o.add(b, byGroup, mask));
  return o.reshape(b, p, o.shapeVector(b, kvHeads, -1, o.dimOf(b, k, 1)));
}

/** [KV, GR * block, D] back to rows [block, KV * GR * D]. */
function mergeHeads(b: Graph, x: Value, { kvHeads, headDim, block, groups }: AttentionInput): Value {
  const split = o.reshape(b, x, o.shapeVector(b, kvHeads, groups, block, headDim));
  return o.reshape(b, o.transpose(b, split, [2, 0, 1, 3]), o.shapeVector(b, block, kvHeads * groups * headDim));
}

/** [KV, rows, D] as [rows, KV * D]. */
function mergeKeys(b: Graph, x: Value, rows: Value, { kvHeads, headDim }: AttentionInput): Value {
  return o.reshape(b, o.transpose(b, x, [1, 0, 2]), o.shapeVector(b, rows, kvHeads * headDim));
}

function forward(g: Graph, input: AttentionInput, h: Heads): Value {
  const b = new Graph('attention_forward', g);
  const iteration = b.anonymousInput('block', 'int64', []);
  const condition = b.anonymousInput('condition', 'bool', []);
  const start = o.mul(b, o.unsqueeze(b, iteration, 0), input.block);
  const end = o.add(b, start, input.block);
  const keys = o.add(b, end, h.offset);
  const p = probabilities(b, blockRows(b, h.q, start, end, input), o.slice(b, h.k, 0, keys, 1), h, input);
  b.output(condition);
  b.output(mergeHeads(b, o.matmul(b, p, o.slice(b, h.v, 0, keys, 1)), input));
  const scanned = g.op('Loop', [h.blocks, undefined], { body: b });
  const width = input.kvHeads * input.groups * input.headDim;
  const padded = o.reshape(g, scanned, o.shapeVector(g, h.rows, width));
  return o.slice(g, padded, 0, o.dimOf(g, input.q, 0), 0);
}

/**
 * Gradients block by block, last block first, so that finished key rows leave the loop and the carried sums shrink:
 * dV = P^T dO, dS = P (dP - D) with dP = dO V^T and D = rowsum(dO O), dQ = scale dS K, dK = scale dS^T Q
 * (FlashAttention, Dao et al. 2022, section 3.1, without its tiling over keys).
 */
function backward(g: Graph, input: AttentionInput, h: Heads, output: Value, gradient: Value): readonly Value[] {
  const { kvHeads, groups, headDim, block } = input;
  const n = o.dimOf(g, input.q, 0);
  const pad = o.sub(g, h.rows, n);
  const perHead = (x: Value): Value =>
    o.transpose(g, o.reshape(g, padRows(g, x, pad), [-1, kvHeads, groups, headDim]), [1, 2, 0, 3]);
  const dO = perHead(gradient);
  const products = o.reshape(g, padRows(g, o.mul(g, gradient, output), pad), [-1, kvHeads, groups, headDim]);
  const rowSums = o.transpose(g, o.reduceSum(g, products, [3], true), [1, 2, 0, 3]);

  const b = new Graph('attention_backward', g);
  b.anonymousInput('block', 'int64', []);
  const condition = b.anonymousInput('condition', 'bool', []);
  const dtype = input.q.dtype;
  const sumK = b.anonymousInput('dk', dtype, [kvHeads, unknownDim(), headDim]);
  const sumV = b.anonymousInput('dv', dtype, [kvHeads, unknownDim(), headDim]);
  const keys = o.dimOf(b, sumK, 1);
  const end = o.sub(b, keys, h.offset);
  const start = o.sub(b, end, block);
  const scale = headDim ** -0.5;
  const q = blockRows(b, h.q, start, end, input);
  const k = o.slice(b, h.k, 0, keys, 1);
  const d = blockRows(b, dO, start, end, input);
  const p = probabilities(b, q, k, h, input);
  const dP = o.fusedMatMul(b, d, o.slice(b, h.v, 0, keys, 1), { transB: true });
  const row = o.reshape(b, o.slice(b, rowSums, start, end, 2), [kvHeads, -1, 1]);
  const dS = o.mul(b, p, o.sub(b, dP, row));
  const dV = o.add(b, sumV, o.fusedMatMul(b, p, d, { transA: true }));
  const dK = o.add(b, sumK, o.fusedMatMul(b, dS, q, { transA: true, alpha: scale }));
  const rest = o.sub(b, keys, block);
  b.output(condition);
  b.output(o.slice(b, dK, 0, rest, 1));
  b.output(o.slice(b, dV, 0, rest, 1));
  b.output(mergeHeads(b, o.fusedMatMul(b, dS, k, { alpha: scale }), input));
  b.output(mergeKeys(b, o.slice(b, dK, rest, keys, 1), block, input));
  b.output(mergeKeys(b, o.slice(b, dV, rest, keys, 1), block, input));

  const zeros = o.full(g, dtype, o.shapeVector(g, kvHeads, o.dimOf(g, h.k, 1), headDim));
  const [headK, headV, dQ, tailK, tailV] = g.ops('Loop', [h.blocks, undefined, zeros, zeros], { body: b }, { outputs: 5 });
  if (headK === undefined || headV === undefined || dQ === undefined || tailK === undefined || tailV === undefined) {
    throw new Error('the loop has five outputs');
  }
  const rows = (x: Value, width: number): Value =>
    o.reshape(g, o.reverse(g, x, 0), o.shapeVector(g, h.rows, width));
  const keyRows = (first: Value, tail: Value): Value => {
    const merged = o.concat(g, [mergeKeys(g, first, h.offset, input), rows(tail, kvHeads * headDim)], 0);
    return o.slice(g, merged, 0, o.dimOf(g, input.k, 0), 0);
  };
  return [
    o.slice(g, rows(dQ, kvHeads * groups * headDim), 0, n, 0),
    keyRows(headK, tailK),
    keyRows(headV, tailV),
  ];
}

/**
 * Causal softmax attention by query blocks: memory grows with block * M, never with N * M. The backward rule computes
 * the probabilities again from q and k. Returns [N, kvHeads * groups * headDim].
 */
export function causalAttention(g: Graph, input: AttentionInput): Value {
  let residual: Value | undefined;
  const [output] = g.composite(
    [input.q, input.k, input.v],
    (graph) => {
      residual = forward(graph, input, heads(graph, input));
      return [residual];
    },
    (graph, { gradients }) => {
      const [gradient] = gradients;
      if (gradient === undefined || residual === undefined) return [];
      return backward(graph, input, heads(graph, input), residual, gradient);
    },
  );
  if (output === undefined) throw new Error('attention has one output');
  return output;
}
