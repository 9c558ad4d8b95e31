import { unknownDim } from './dim.ts';
import { wide } from './dtype.ts';
import type { DType } from './dtype.ts';
import type { Value } from './graph.ts';
import { Graph } from './graph.ts';
import * as o from './ops.ts';

/**
 * Lengths as tensors whose FIRST DIMENSION is the length. On CUDA, an integer from an outer scope lies on the card and each
 * use in a loop body would wait for its copy; the shape of a tensor is known on the CPU.
 */
export interface FlashRulers {
  /** Rows of the prefix that the second branch sees, at least 1. */
  readonly prefix: Value;
  /** Rows of prefix and first branch with padding, a multiple of `block`. */
  readonly trunk: Value;
  /** Query rows at a time on the way back, for the trunk and for the second branch (which divides the rest of the row). */
  readonly block: Value;
  readonly secondBlock: Value;
  /** Key/value heads at a time on the way back, a divisor of their number; bounds its memory. */
  readonly heads: Value;
}

/** Heads of the attention: query head h = kvHead * groups + group. */
export interface FlashHeads {
  readonly kvHeads: number;
  readonly groups: number;
  readonly headDim: number;
}

/** What all layers of a program share. Make it in the program's graph, outside loops. */
export interface FlashPlan extends FlashRulers, FlashHeads {
  readonly trunkLengths: Lengths;
  readonly secondLengths: Lengths;
  /** Values that single out key 0 in channel 0 of each head: attention over them gives each row's weight of key 0. */
  readonly firstKey: { readonly trunk: Value; readonly past: Value; readonly second: Value } | undefined;
}

/** GroupQueryAttention's lengths: index of the last key int32 [1], number of keys int32 scalar. */
interface Lengths {
  readonly last: Value;
  readonly total: Value;
}

/** Queries [T, kvHeads * groups * headDim], keys and values [T, kvHeads * headDim] of `[trunk | second branch]`, rotated. */
export interface FlashInput {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
  readonly plan: FlashPlan;
}

function lengths(g: Graph, total: Value): Lengths {
  return {
    last: o.cast(g, o.sub(g, total, 1), 'int32'),
    total: o.squeeze(g, o.cast(g, total, 'int32'), 0),
  };
}

/**
 * @param rows a tensor [T, ...] of the row
 * @param trains whether gradients will be asked for
 */
export function flashPlan(
  g: Graph,
  rulers: FlashRulers,
  heads: FlashHeads,
  rows: Value,
  dtype: DType,
  trains: boolean,
): FlashPlan {
  const prefix = o.dimOf(g, rulers.prefix, 0);
  const trunk = o.dimOf(g, rulers.trunk, 0);
  const second = o.sub(g, o.dimOf(g, rows, 0), trunk);
  return {
    ...rulers,
    ...heads,
    trunkLengths: lengths(g, trunk),
    secondLengths: lengths(g, o.add(g, prefix, second)),
    firstKey: trains ? firstKey(g, { prefix, trunk, second }, heads, dtype) : undefined,
  };
}

function firstKey(
  g: Graph,
  { prefix, trunk, second }: { prefix: Value; trunk: Value; second: Value },
  { kvHeads, headDim }: FlashHeads,
  dtype: DType,
): FlashPlan['firstKey'] {
  const width = kvHeads * headDim;
  const zeros = (...shape: (number | Value)[]): Value => o.full(g, dtype, o.shapeVector(g, ...shape));
  const one = Array.from({ length: width }, (_, i) => Number(i % headDim === 0));
  const row = g.constant(dtype, one, [1, 1, width]);
  const key = g.constant(dtype, one, [1, kvHeads, 1, headDim]);
  return {
    trunk: o.concat(g, [row, zeros(1, o.sub(g, trunk, 1), width)], 1),
    past: o.concat(g, [key, zeros(1, kvHeads, o.sub(g, prefix, 1), headDim)], 2),
    second: zeros(1, second, width),
  };
}

/** Attention [1, n, heads * D] of n rows over the past and themselves, and all keys and values seen [1, KV, past + n, D]. */
function attend(
  g: Graph,
  { kvHeads, groups }: FlashHeads,
  [q, k, v]: readonly [Value, Value, Value],
  past: { k: Value; v: Value } | undefined,
  { last, total }: Lengths,
): { output: Value; k: Value; v: Value } {
  const attributes = { num_heads: kvHeads * groups, kv_num_heads: kvHeads };
  const inputs = [q, k, v, past?.k, past?.v, last, total];
  const [output, keys, values] = g.ops('GroupQueryAttention', inputs, attributes, { outputs: 3 });
  if (output === undefined || keys === undefined || values === undefined) throw new Error('three outputs');
  // An output that nobody reads would live to the end of the run.
  return { output: o.after(g, output, keys, values), k: keys, v: values };
}

interface Parts {
  readonly trunk: Value;
  readonly second: Value;
}

/** Rows [T, *] as [1, trunk, *] and [1, rest, *]. */
function parts(g: Graph, x: Value, plan: FlashRulers): Parts {
  const trunk = o.dimOf(g, plan.trunk, 0);
  const part = (start: number | Value, end: Value): Value => o.unsqueeze(g, o.slice(g, x, start, end, 0), 0);
  return { trunk: part(0, trunk), second: part(trunk, o.dimOf(g, x, 0)) };
}

/** Keys and values by head [1, KV, n, D]: the trunk's, and the prefix's followed by the second branch's. */
interface Seen {
  readonly trunk: { readonly k: Value; readonly v: Value };
  readonly second: { readonly k: Value; readonly v: Value };
}

/** Flash attention (com.microsoft.GroupQueryAttention) of the trunk, causal, and of the second branch behind the prefix. */
function forward(g: Graph, { q, k, v, plan }: FlashInput): { output: Value; seen: Seen } {
  const [qs, ks, vs] = [parts(g, q, plan), parts(g, k, plan), parts(g, v, plan)];
  const trunk = attend(g, plan, [qs.trunk, ks.trunk, vs.trunk], undefined, plan.trunkLengths);
  const past = { k: ofPrefix(g, trunk.k, plan), v: ofPrefix(g, trunk.v, plan) };
  const second = attend(g, plan, [qs.second, ks.second, vs.second], past, plan.secondLengths);
  const output = o.squeeze(g, o.concat(g, [trunk.output, second.output], 1), 0);
  return { output: o.reshapeExact(g, output, o.shapeOf(g, q)), seen: { trunk, second } };
}

function ofPrefix(g: Graph, x: Value, { prefix }: FlashRulers): Value {
  return o.slice(g, x, 0, o.dimOf(g, prefix, 0), 2);
}

/** Each row's weight of key 0 [KV, GR, T, 1], by attention over values that are 1 there and 0 elsewhere. */
function weightOfFirstKey(g: Graph, { q, k, plan }: FlashInput, seen: Seen): Value {
  const { firstKey: ones, kvHeads, groups, headDim } = plan;
  if (ones === undefined) throw new Error('this attention was planned without gradients');
  const [qs, ks] = [parts(g, q, plan), parts(g, k, plan)];
  const trunk = attend(g, plan, [qs.trunk, ks.trunk, ones.trunk], undefined, plan.trunkLengths);
  const past = { k: ofPrefix(g, seen.trunk.k, plan), v: ones.past };
  const second = attend(g, plan, [qs.second, ks.second, ones.second], past, plan.secondLengths);
  const first = ({ output }: { output: Value }): Value =>
    o.slice(g, o.reshape(g, output, [-1, kvHeads, groups, headDim]), 0, 1, 3);
  return o.transpose(g, o.concat(g, [first(trunk), first(second)], 0), [1, 2, 0, 3]);
}

/** Channels added to the head: two that carry a number in two halves, and zeros up to a multiple of eight. */
const EXTRA = 8;

/** A number a row [., ., ., 1] as two columns of the compute type whose sum has twice its digits. */
function twoColumns(g: Graph, x: Value, dtype: DType): Value[] {
  const high = o.cast(g, x, dtype);
  return [high, o.cast(g, o.sub(g, x, o.cast(g, high, x.dtype)), dtype)];
}

/** Heads of one pass, all with the EXTRA channels: queries and gradients [n, GR, T, W], keys and values [n, keys, W]. */
interface Pass {
  readonly q: Value;
  readonly dO: Value;
  readonly k: Value;
  readonly v: Value;
}

/** Gradients of a pass without the extra channels; those of the keys in two parts, before and within the queries' rows. */
interface PassGradients {
  /** [n, GR, rows, D] */
  readonly dQ: Value;
  /** [n, rows, D] */
  readonly own: { readonly k: Value; readonly v: Value };
  /** [n, keys - rows, D], single precision. */
  readonly before: { readonly k: Value; readonly v: Value };
}

/**
 * Gradients by blocks of queries, the LAST FIRST, so that the largest scores come first and later ones fit into their
 * memory. With the extra channels, one product gives scale * S - LSE and another dP - D, so that P = exp(.) and
 * dS = P * (.) are the only passes over the scores. The gradients of keys and values are carried in single precision over
 * the keys that remain; those of finished keys leave as scan outputs.
 */
function byBlocks(
  g: Graph,
  pass: Pass,
  heads: FlashHeads & Pick<FlashRulers, 'heads'>,
  { block, skipped, count }: { block: Value; skipped: (b: Graph) => Value | undefined; count: Value },
): PassGradients {
  const { groups, headDim } = heads;
  const n = o.dimOf(g, heads.heads, 0);
  const scale = headDim ** -0.5;
  const width = headDim + EXTRA;
  const { dtype } = pass.q;
  const b = new Graph('attention_block', g);
  b.anonymousInput('block', 'int64', []);
  b.anonymousInput('condition', 'bool', []);
  const zeros = o.full(g, wide(dtype), o.shapeVector(g, n, o.dimOf(g, pass.k, 1), width));
  const sums = ['dk', 'dv'].map((stem) => b.anonymousInput(stem, zeros.dtype, [unknownDim(), unknownDim(), width]));
  const [sumK, sumV] = sums;
  if (sumK === undefined || sumV === undefined) throw new Error('two sums');
  const size = o.dimOf(b, block, 0);
  const passHeads = o.dimOf(b, heads.heads, 0);
  const end = o.dimOf(b, sumK, 1);
  const start = o.sub(b, end, size);
  const shift = skipped(b);
  const row = (key: Value): Value => (shift === undefined ? key : o.add(b, key, shift));
  const rows = (x: Value): Value =>
    o.reshape(b, o.slice(b, x, row(start), row(end), 2), o.shapeVector(b, passHeads, -1, width));
  const [q, dO] = [rows(pass.q), rows(pass.dO)];
  const earlier = (x: Value): Value => o.slice(b, x, 0, start, 1);
  const within = (x: Value): Value => o.slice(b, x, start, end, 1);

  const gradients = (part: (x: Value) => Value, causal: boolean): { dQ: Value; dK: Value; dV: Value } => {
    const [k, v] = [part(pass.k), part(pass.v)];
    const lower = (x: Value): Value => {
      const square = o.reshape(b, x, o.shapeVector(b, passHeads, groups, size, size));
      return o.reshape(b, b.op('Trilu', [square, undefined], { upper: 0 }), o.shapeVector(b, passHeads, -1, size));
    };
    const exponents = o.fusedMatMul(b, q, k, { transB: true, alpha: scale });
    const all = o.exp(b, exponents);
    const p = causal ? lower(all) : all;
    const slopes = o.fusedMatMul(b, dO, v, { transB: true });
    const dS = o.mul(b, p, slopes);
    const suffix = causal ? 'within' : 'before';
    b.sameShapes(['pass_heads', `rows_${suffix}`, `keys_${suffix}`], exponents, all, slopes, dS);
    return {
      dV: o.fusedMatMul(b, p, dO, { transA: true }),
      dQ: o.fusedMatMul(b, dS, k, { alpha: scale }),
      dK: o.fusedMatMul(b, dS, q, { transA: true, alpha: scale }),
    };
  };
  const rectangle = gradients(earlier, false);
  const diagonal = gradients(within, true);
  const up = (x: Value): Value => o.cast(b, x, zeros.dtype);
  const one = o.squeeze(b, size, 0);
  b.output(o.equal(b, one, one)); // always true, and made on the CPU: a condition handed on would be copied from the card
  b.output(o.add(b, earlier(sumK), up(rectangle.dK)));
  b.output(o.add(b, earlier(sumV), up(rectangle.dV)));
  b.output(o.reshape(b, o.add(b, rectangle.dQ, diagonal.dQ), o.shapeVector(b, passHeads, groups, size, width)));
  b.output(o.cast(b, o.add(b, within(sumK), up(diagonal.dK)), dtype));
  b.output(o.cast(b, o.add(b, within(sumV), up(diagonal.dV)), dtype));

  const outputs = g.ops('Loop', [o.squeeze(g, count, 0), undefined, zeros, zeros], { body: b }, { outputs: 5 });
  const [restK, restV, dQ, dK, dV] = outputs;
  if (!restK || !restV || !dQ || !dK || !dV) throw new Error('the loop has five outputs');
  /** Without the extra channels, blocks from the first to the last. */
  const inOrder = (x: Value, axis: number): Value =>
    g.op('Slice', [x, o.ints(g, [0, -1]), o.ints(g, [headDim, -(2 ** 40)]), o.ints(g, [axis, 0]), o.ints(g, [1, -1])]);
  const keys = (x: Value): Value =>
    o.reshape(g, o.transpose(g, inOrder(x, 3), [1, 0, 2, 3]), o.shapeVector(g, n, -1, headDim));
  const channels = (x: Value): Value => o.slice(g, x, 0, headDim, 2);
  return {
    dQ: o.reshape(
      g,
      o.transpose(g, inOrder(o.after(g, dQ, restK, restV), 4), [1, 2, 0, 3, 4]),
      o.shapeVector(g, n, groups, -1, headDim),
    ),
    own: { k: keys(dK), v: keys(dV) },
    before: { k: channels(restK), v: channels(restV) },
  };
}

/** Tensors of the heads of one pass: [n, GR, T, *] and [n, keys, D]. */
interface HeadInput {
  readonly q: Value;
  readonly output: Value;
  readonly gradient: Value;
  readonly weight: Value;
  readonly trunk: { readonly k: Value; readonly v: Value };
  readonly second: { readonly k: Value; readonly v: Value };
}

/** Gradients of q [n, GR, T, D], and of k and v [n, T, D]. */
function headGradients(g: Graph, x: HeadInput, plan: FlashPlan): { dQ: Value; dK: Value; dV: Value } {
  const { headDim, groups } = plan;
  const n = o.dimOf(g, plan.heads, 0);
  const { dtype } = x.q;
  const up = (value: Value): Value => o.cast(g, value, wide(dtype));
  // log-sum-exp = scale * q k0 - log P(key 0). Both numbers a row are subtracted from the scores, hence their signs; the
  // product multiplies them by the scale.
  const key0 = up(o.unsqueeze(g, o.slice(g, x.trunk.k, 0, 1, 1), 1));
  const score0 = o.reduceSum(g, o.mul(g, up(x.q), key0), [3], true);
  const minusLse = o.sub(g, o.mul(g, o.log(g, up(x.weight)), headDim ** 0.5), score0);
  const minusD = o.neg(g, o.reduceSum(g, o.mul(g, up(x.output), up(x.gradient)), [3], true));
  const rows = o.dimOf(g, x.q, 2);
  const blank = o.full(g, dtype, o.shapeVector(g, n, groups, rows, EXTRA - 2));
  const q = o.concat(g, [x.q, ...twoColumns(g, minusLse, dtype), blank], 3);
  const dO = o.concat(g, [x.gradient, ...twoColumns(g, minusD, dtype), blank], 3);
  const columns = g.constant(dtype, [1, 1, ...Array.from({ length: EXTRA - 2 }, () => 0)], [1, 1, EXTRA]);
  const widened = (value: Value): Value => {
    const added = o.expand(g, columns, o.shapeVector(g, n, o.dimOf(g, value, 1), EXTRA));
    return o.concat(g, [value, added], 2);
  };
  const trunkRows = o.dimOf(g, plan.trunk, 0);
  const trunk = byBlocks(g, { q, dO, k: widened(x.trunk.k), v: widened(x.trunk.v) }, plan, {
    block: plan.block,
    skipped: () => undefined,
    count: o.div(g, trunkRows, o.dimOf(g, plan.block, 0)),
  });
  // After the trunk, whose blocks are larger.
  const secondKeys = o.after(g, x.second.k, trunk.dQ);
  const second = byBlocks(g, { q, dO, k: widened(secondKeys), v: widened(x.second.v) }, plan, {
    block: plan.secondBlock,
    // Key number `prefix` of the second pass stands in row number `trunk`.
    skipped: (b) => o.sub(b, o.dimOf(b, plan.trunk, 0), o.dimOf(b, plan.prefix, 0)),
    count: o.div(g, o.sub(g, rows, trunkRows), o.dimOf(g, plan.secondBlock, 0)),
  });
  const prefix = o.dimOf(g, plan.prefix, 0);
  const keys = (own: Value, before: Value, secondOwn: Value): Value => {
    const shared = o.cast(g, o.add(g, up(o.slice(g, own, 0, prefix, 1)), before), dtype);
    return o.concat(g, [shared, o.slice(g, own, prefix, trunkRows, 1), secondOwn], 1);
  };
  return {
    dQ: o.concat(g, [o.after(g, trunk.dQ, trunk.before.k, trunk.before.v), second.dQ], 2),
    dK: keys(trunk.own.k, second.before.k, second.own.k),
    dV: keys(trunk.own.v, second.before.v, second.own.v),
  };
}

/** headGradients over all heads, some at a time. */
function allHeads(g: Graph, x: HeadInput, plan: FlashPlan): { dQ: Value; dK: Value; dV: Value } {
  const { kvHeads, groups, headDim } = plan;
  const b = new Graph('attention_heads', g);
  b.anonymousInput('pass', 'int64', []);
  b.anonymousInput('condition', 'bool', []);
  // The number of heads done is the length of a carried tensor, see FlashRulers.
  const done = b.anonymousInput('done', 'float32', [unknownDim()]);
  const from = o.dimOf(b, done, 0);
  const some = o.dimOf(b, plan.heads, 0);
  const to = o.add(b, from, some);
  const take = (value: Value): Value => {
    const taken = o.slice(b, value, from, to, 0);
    const rest = value.shape.slice(1).map((_, i) => o.dimOf(b, value, i + 1));
    return o.reshapeExact(b, taken, o.shapeVector(b, some, ...rest));
  };
  const { dQ, dK, dV } = headGradients(
    b,
    {
      q: take(x.q),
      output: take(x.output),
      gradient: take(x.gradient),
      weight: take(x.weight),
      trunk: { k: take(x.trunk.k), v: take(x.trunk.v) },
      second: { k: take(x.second.k), v: take(x.second.v) },
    },
    plan,
  );
  const one = o.squeeze(b, some, 0);
  b.output(o.equal(b, one, one)); // see byBlocks
  b.output(o.concat(b, [done, o.full(b, 'float32', some)], 0));
  for (const value of [dQ, dK, dV]) b.output(value);
  const count = o.squeeze(g, o.div(g, g.constant('int64', [kvHeads]), o.dimOf(g, plan.heads, 0)), 0);
  const none = o.full(g, 'float32', [0]);
  const [end, allQ, allK, allV] = g.ops('Loop', [count, undefined, none], { body: b }, { outputs: 4 });
  if (!end || !allQ || !allK || !allV) throw new Error('the loop has four outputs');
  return {
    dQ: o.reshape(g, o.after(g, allQ, end), [kvHeads, groups, -1, headDim]),
    dK: o.reshape(g, allK, [kvHeads, -1, headDim]),
    dV: o.reshape(g, allV, [kvHeads, -1, headDim]),
  };
}

function backward(g: Graph, input: FlashInput, output: Value, seen: Seen, gradient: Value): readonly Value[] {
  const { plan, k, v } = input;
  const { kvHeads, groups, headDim } = plan;
  // The second attention call waits for the gradient, so that its result does not lie about meanwhile.
  const late = { ...input, q: o.after(g, input.q, gradient) };
  const weight = weightOfFirstKey(g, late, seen);
  const queryHeads = (x: Value): Value => o.transpose(g, o.reshape(g, x, [-1, kvHeads, groups, headDim]), [1, 2, 0, 3]);
  const byHead = ({ k: keys, v: values }: { k: Value; v: Value }): { k: Value; v: Value } => ({
    k: o.squeeze(g, keys, 0),
    v: o.squeeze(g, values, 0),
  });
  const heads = allHeads(
    g,
    {
      q: queryHeads(late.q),
      output: queryHeads(output),
      gradient: queryHeads(gradient),
      weight,
      trunk: byHead(seen.trunk),
      second: byHead(seen.second),
    },
    plan,
  );
  const keyRows = (x: Value, like: Value): Value => o.reshapeExact(g, o.transpose(g, x, [1, 0, 2]), o.shapeOf(g, like));
  return [
    o.reshapeExact(g, o.transpose(g, heads.dQ, [2, 0, 1, 3]), o.shapeOf(g, input.q)),
    keyRows(heads.dK, k),
    keyRows(heads.dV, v),
  ];
}

/**
 * Attention over `[trunk | second branch]` for CUDA: flash attention forward, and on the way back blocks of queries in
 * plain operators (FlashAttention-2, Dao 2023, section 3.2, with the log-sum-exp from a second forward call). Never a
 * T x T tensor. Returns [T, kvHeads * groups * headDim].
 */
export function flashAttention(g: Graph, input: FlashInput): Value {
  let seen: Seen | undefined;
  let residual: Value | undefined;
  const [output] = g.composite(
    [input.q, input.k, input.v],
    (graph) => {
      const result = forward(graph, input);
      ({ seen, output: residual } = result);
      return [residual];
    },
    (graph, { gradients }) => {
      const [gradient] = gradients;
      if (gradient === undefined || residual === undefined || seen === undefined) return [];
      return backward(graph, input, residual, seen, gradient);
    },
  );
  if (output === undefined) throw new Error('attention has one output');
  return output;
}
