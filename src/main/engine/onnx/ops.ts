import type { Dim } from './dim.ts';
import type { DType } from './dtype.ts';
import { isFloat } from './dtype.ts';
import type { Graph, Value } from './graph.ts';
import { GraphError } from './graph-error.ts';

/** A value, or a number that becomes a constant of the other operand's type. */
type Operand = Value | number;

/** A list of numbers becomes a constant int64 vector. */
export type Integers = Value | readonly number[];

function scalar(g: Graph, x: Operand, like: Value): Value {
  return typeof x === 'number' ? g.constant(like.dtype, x) : x;
}

/** An int64 vector from numbers, or the value itself. */
export function ints(g: Graph, x: Integers): Value {
  return Array.isArray(x) ? g.constant('int64', x as readonly number[]) : (x as Value);
}

export const add = (g: Graph, a: Value, b: Operand): Value => g.op('Add', [a, scalar(g, b, a)]);
export const sub = (g: Graph, a: Value, b: Operand): Value => g.op('Sub', [a, scalar(g, b, a)]);
export const mul = (g: Graph, a: Value, b: Operand): Value => g.op('Mul', [a, scalar(g, b, a)]);
export const div = (g: Graph, a: Value, b: Operand): Value => g.op('Div', [a, scalar(g, b, a)]);
export const max = (g: Graph, a: Value, b: Operand): Value => g.op('Max', [a, scalar(g, b, a)]);
export const min = (g: Graph, a: Value, b: Operand): Value => g.op('Min', [a, scalar(g, b, a)]);
export const neg = (g: Graph, x: Value): Value => g.op('Neg', [x]);
export const exp = (g: Graph, x: Value): Value => g.op('Exp', [x]);
export const log = (g: Graph, x: Value): Value => g.op('Log', [x]);
export const sqrt = (g: Graph, x: Value): Value => g.op('Sqrt', [x]);
export const not = (g: Graph, x: Value): Value => g.op('Not', [x]);
export const and = (g: Graph, a: Value, b: Value): Value => g.op('And', [a, b]);
export const or = (g: Graph, a: Value, b: Value): Value => g.op('Or', [a, b]);
export const equal = (g: Graph, a: Value, b: Operand): Value => g.op('Equal', [a, scalar(g, b, a)]);
export const less = (g: Graph, a: Value, b: Operand): Value => g.op('Less', [a, scalar(g, b, a)]);
export const greater = (g: Graph, a: Value, b: Operand): Value => g.op('Greater', [a, scalar(g, b, a)]);
export const where = (g: Graph, c: Value, a: Value, b: Operand): Value => g.op('Where', [c, a, scalar(g, b, a)]);
export const cast = (g: Graph, x: Value, to: DType): Value => (x.dtype === to ? x : g.op('Cast', [x], { to }));
export const identity = (g: Graph, x: Value): Value => g.op('Identity', [x]);

/** Logistic function. */
export const sigmoid = (g: Graph, x: Value): Value => g.op('Sigmoid', [x]);

/** log(1 + exp(x)), stable for large |x|: max(x, 0) + log(1 + exp(-|x|)). */
export function softplus(g: Graph, x: Value): Value {
  const positive = max(g, x, 0);
  const magnitude = max(g, x, neg(g, x));
  return add(g, positive, log(g, add(g, exp(g, neg(g, magnitude)), 1)));
}

/** x * sigmoid(x). */
export const silu = (g: Graph, x: Value): Value => g.op('QuickGelu', [x], { alpha: { float: 1 } });

/** Softmax over the last axis. */
export const softmax = (g: Graph, x: Value): Value => g.op('Softmax', [x], { axis: -1 });
/** Log-softmax over the last axis. */
export const logSoftmax = (g: Graph, x: Value): Value => g.op('LogSoftmax', [x], { axis: -1 });

export const matmul = (g: Graph, a: Value, b: Value): Value => g.op('MatMul', [a, b]);

/** alpha * op(a) op(b) over the last two axes, batch axes broadcast. */
export function fusedMatMul(
  g: Graph,
  a: Value,
  b: Value,
  { transA = false, transB = false, alpha = 1 }: { transA?: boolean; transB?: boolean; alpha?: number } = {},
): Value {
  return g.op('FusedMatMul', [a, b], { transA: Number(transA), transB: Number(transB), alpha: { float: alpha } });
}

/**
 * alpha * a op(b) for a [batch, n, k] and a b whose rows come first, [k, batch, m] (or [m, batch, k] with transB): read as
 * they lie, without a copy. It has no gradient.
 */
export function matmulRowsFirst(
  g: Graph,
  a: Value,
  b: Value,
  { transB = false, alpha = 1 }: { transB?: boolean; alpha?: number } = {},
): Value {
  const attributes = { transB: Number(transB), transBatchB: 1, alpha: { float: alpha } };
  return g.op('FusedMatMul', [a, b], attributes);
}

/** alpha * op(a) op(b) + c for matrices. */
export function gemm(
  g: Graph,
  a: Value,
  b: Value,
  c?: Value,
  { transA = false, transB = false, alpha = 1 }: { transA?: boolean; transB?: boolean; alpha?: number } = {},
): Value {
  const attributes = { transA: Number(transA), transB: Number(transB), alpha: { float: alpha } };
  return g.op('Gemm', c === undefined ? [a, b] : [a, b, c], attributes);
}

export const reshape = (g: Graph, x: Value, shape: Integers): Value => g.op('Reshape', [x, ints(g, shape)]);
/** Reshape in which a 0 means no elements (a cache may be empty), not "as before". All sizes must be given. */
export const reshapeExact = (g: Graph, x: Value, shape: Integers): Value =>
  g.op('Reshape', [x, ints(g, shape)], { allowzero: 1 });
export const transpose = (g: Graph, x: Value, perm: readonly number[]): Value => g.op('Transpose', [x], { perm });
export const unsqueeze = (g: Graph, x: Value, ...axes: number[]): Value => g.op('Unsqueeze', [x, ints(g, axes)]);
export const squeeze = (g: Graph, x: Value, ...axes: number[]): Value => g.op('Squeeze', [x, ints(g, axes)]);
export const expand = (g: Graph, x: Value, shape: Integers): Value => g.op('Expand', [x, ints(g, shape)]);

/** Concatenation; one value alone is returned as it is. */
export function concat(g: Graph, values: readonly Value[], axis: number): Value {
  const [first] = values;
  if (first === undefined) throw new GraphError('Concat: nothing to concatenate');
  return values.length === 1 ? first : g.op('Concat', values, { axis });
}

/** An int64 vector put together from numbers and int64 vectors. */
export function shapeVector(g: Graph, ...parts: (number | Value)[]): Value {
  // Neighbouring numbers make one constant: joined by an operator, they might lie on the card.
  const runs: (number[] | Value)[] = [];
  for (const part of parts) {
    const last = runs.at(-1);
    if (typeof part !== 'number') runs.push(part);
    else if (Array.isArray(last)) last.push(part);
    else runs.push([part]);
  }
  return concat(
    g,
    runs.map((run) => (Array.isArray(run) ? g.constant('int64', run) : run)),
    0,
  );
}

/** x[start:end] along one axis; both bounds int64 vectors of length 1 or numbers. */
export function slice(g: Graph, x: Value, start: number | Value, end: number | Value, axis: number): Value {
  const bound = (b: number | Value): Value => (typeof b === 'number' ? g.constant('int64', [b]) : b);
  return g.op('Slice', [x, bound(start), bound(end), ints(g, [axis])]);
}

/** Reverses an axis. */
export function reverse(g: Graph, x: Value, axis: number): Value {
  return g.op('Slice', [x, ints(g, [-1]), ints(g, [-(2 ** 40)]), ints(g, [axis]), ints(g, [-1])]);
}

/** x cut along an axis into parts of the given sizes (an int64 vector of known length, or numbers). */
export function split(g: Graph, x: Value, sizes: Integers, axis: number): readonly Value[] {
  const vector = ints(g, sizes);
  return g.ops('Split', [x, vector], { axis }, { outputs: Number(vector.shape[0]) });
}

/** The size of one axis as an int64 vector of length 1. */
export const dimOf = (g: Graph, x: Value, axis: number): Value => g.op('Shape', [x], { start: axis, end: axis + 1 });
export const shapeOf = (g: Graph, x: Value): Value => g.op('Shape', [x]);
export const gather = (g: Graph, x: Value, indices: Value, axis = 0): Value => g.op('Gather', [x, indices], { axis });

/**
 * A matrix [rows, columns] from 4-bit integers [rows, columns / 2], two a byte, and a scale for each block of a row:
 * `(q - 8) * scale`, of the scales' type. GatherBlockQuantized is the only operator that does this in bfloat16 on CUDA;
 * `rows` are the numbers of all rows.
 */
export const dequantizeInt4 = (g: Graph, packed: Value, rows: Value, scales: Value, block: number): Value =>
  g.op('GatherBlockQuantized', [packed, rows, scales], {
    gather_axis: 0,
    quantize_axis: 1,
    block_size: block,
    bits: 4,
  });

/** A tensor filled with one number. */
export function full(g: Graph, dtype: DType, shape: Integers, value = 0): Value {
  return g.op('ConstantOfShape', [ints(g, shape)], { value: { dtype, shape: [1], data: [value] } });
}

/** Sum over axes (all when left out). */
export function reduceSum(g: Graph, x: Value, axes?: readonly number[], keepdims = false): Value {
  return g.op('ReduceSum', axes === undefined ? [x] : [x, ints(g, axes)], { keepdims: Number(keepdims) });
}

export function reduceMean(g: Graph, x: Value, axes: readonly number[], keepdims = false): Value {
  return g.op('ReduceMean', [x, ints(g, axes)], { keepdims: Number(keepdims) });
}

export function reduceMax(g: Graph, x: Value, axes: readonly number[], keepdims = false): Value {
  return g.op('ReduceMax', [x, ints(g, axes)], { keepdims: Number(keepdims) });
}

export const argMax = (g: Graph, x: Value, axis: number): Value => g.op('ArgMax', [x], { axis, keepdims: 0 });

/** Index vector 0, 1, ... n-1 (n an int64 vector of length 1). */
export function arange(g: Graph, n: Value): Value {
  return g.op('Range', [g.constant('int64', 0), squeeze(g, n, 0), g.constant('int64', 1)]);
}

/**
 * RMS normalisation over the last axis, scaled: x / sqrt(mean(x^2) + eps) * weight (Zhang & Sennrich 2019,
 * as in Hugging Face's LlamaRMSNorm). Recorded, it also gives 1 / sqrt(...) for the backward rule.
 */
export function rmsNorm(g: Graph, x: Value, weight: Value, eps: number): Value {
  const outputs = g.recording ? 2 : 1;
  const attributes = { axis: -1, epsilon: { float: eps }, stash_type: 1 };
  const [y] = g.ops('SimplifiedLayerNormalization', [x, weight], attributes, { outputs });
  if (y === undefined) throw new GraphError('SimplifiedLayerNormalization has no output');
  return y;
}

/** x + skip, and its RMS normalisation as `rmsNorm`, in one operator. */
export function addAndNorm(
  g: Graph,
  x: Value,
  skip: Value,
  weight: Value,
  eps: number,
): { readonly sum: Value; readonly norm: Value } {
  const attributes = { epsilon: { float: eps } };
  const outputs = g.ops('SkipSimplifiedLayerNormalization', [x, skip, weight], attributes, { outputs: 4 });
  const [norm, , , sum] = outputs;
  if (norm === undefined || sum === undefined)
    throw new GraphError('SkipSimplifiedLayerNormalization has four outputs');
  return { sum, norm };
}

/**
 * x unchanged (no copy), available only after `dependencies` are computed: Reshape to its own shape joined with empty
 * slices of the others' shapes. It keeps a recomputation from running before the gradient that asks for it.
 */
export function after(g: Graph, x: Value, ...dependencies: readonly Value[]): Value {
  const empty = dependencies.map((value) => g.op('Shape', [value], { start: 0, end: 0 }));
  const out = g.op('Reshape', [x, concat(g, [shapeOf(g, x), ...empty], 0)]);
  return out;
}

/** True for a value that can carry a gradient. */
export function differentiable(value: Value | undefined): value is Value {
  return value !== undefined && isFloat(value.dtype);
}

/** Symbolic dimension `i` of a value (must exist). */
export function dim(value: Value, i: number): Dim {
  const found = value.shape.at(i);
  if (found === undefined) throw new GraphError(`${value.name} has no axis ${i}`);
  return found;
}
