import {
  addDims,
  divideDims,
  formatShape,
  isUnknown,
  mayBeEqual,
  merge,
  multiplyDims,
  productOf,
  unknownDim,
} from './dim.ts';
import type { Dim } from './dim.ts';
import type { DType } from './dtype.ts';
import { isFloat, ONNX_DTYPE } from './dtype.ts';
import type { Attribute, Graph, ValueType } from './graph.ts';
import { Graph as GraphClass, Value } from './graph.ts';
import { GraphError } from './graph-error.ts';

/** What a rule of the table sees of one operator call. */
interface Call {
  readonly opType: string;
  readonly inputs: readonly (ValueType | undefined)[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly outputs: number;
}

type Rule = (call: Call) => readonly ValueType[];

function fail(call: Call, what: string): never {
  const shown = call.inputs.map((x) => (x === undefined ? '-' : `${x.dtype}${formatShape(x.shape)}`)).join(', ');
  throw new GraphError(`${call.opType}(${shown}): ${what}`);
}

function input(call: Call, index: number): ValueType {
  return call.inputs[index] ?? fail(call, `input ${index} is missing`);
}

function integer(call: Call, name: string, fallback?: number): number {
  const value = call.attributes[name] ?? fallback;
  return typeof value === 'number' && Number.isInteger(value)
    ? value
    : fail(call, `attribute ${name} must be an integer`);
}

function integers(call: Call, name: string): readonly number[] {
  const value = call.attributes[name];
  return Array.isArray(value)
    ? (value as readonly number[])
    : fail(call, `attribute ${name} must be a list of integers`);
}

function axisOf(call: Call, axis: number, rank: number): number {
  const at = axis < 0 ? axis + rank : axis;
  return at >= 0 && at < rank ? at : fail(call, `axis ${axis} is outside rank ${rank}`);
}

function sameDtype(call: Call, ...indices: number[]): DType {
  const dtype = input(call, indices[0] ?? 0).dtype;
  for (const i of indices) {
    const other = call.inputs[i];
    if (other !== undefined && other.dtype !== dtype) fail(call, `element types differ: ${dtype} and ${other.dtype}`);
  }
  return dtype;
}

function notBool(call: Call, index = 0): void {
  if (input(call, index).dtype === 'bool') fail(call, 'needs numbers, not booleans');
}

function indexVector(call: Call, index: number): void {
  const { dtype } = input(call, index);
  if (dtype !== 'int64' && dtype !== 'int32') fail(call, 'indices must be integers');
}

/** Axes from an optional input that must be constant; undefined where there is none. */
function constantAxes(call: Call, index: number, rank: number): readonly number[] | undefined {
  const axes = call.inputs[index];
  if (axes === undefined) return undefined;
  const content = axes.content ?? fail(call, 'axes must be constant');
  const at = content.map((axis) => axisOf(call, Number(axis), rank));
  return new Set(at).size === at.length ? at : fail(call, `axes [${content.join(', ')}] repeat`);
}

/** Unknown dimensions for a shape of which only the length of the vector is known. */
function unknownShape(call: Call, wanted: ValueType): Dim[] {
  const rank = wanted.shape[0];
  if (typeof rank !== 'number') fail(call, 'the rank of the new shape is not known');
  return Array.from({ length: rank }, () => unknownDim());
}

function broadcast(call: Call, a: readonly Dim[], b: readonly Dim[]): Dim[] {
  const rank = Math.max(a.length, b.length);
  const out: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    if (x === 1) out.push(y);
    else if (y === 1) out.push(x);
    else if (mayBeEqual(x, y)) out.push(merge(x, y));
    else fail(call, `dimensions ${x} and ${y} do not broadcast`);
  }
  return out;
}

const floatUnary: Rule = (call) => {
  const x = input(call, 0);
  if (!isFloat(x.dtype)) fail(call, 'needs a floating-point input');
  return [{ dtype: x.dtype, shape: x.shape }];
};

const softmax: Rule = (call) => {
  axisOf(call, integer(call, 'axis', -1), input(call, 0).shape.length);
  return floatUnary(call);
};

const same: Rule = (call) => [input(call, 0)];

function arithmetic(combine?: (a: Dim, b: Dim) => Dim): Rule {
  return (call) => {
    if (call.inputs.length !== 2) fail(call, 'takes two operands');
    const a = input(call, 0);
    const b = input(call, 1);
    const dtype = sameDtype(call, 0, 1);
    notBool(call);
    const shape = broadcast(call, a.shape, b.shape);
    let content: Dim[] | undefined;
    if (combine !== undefined && a.content !== undefined && b.content !== undefined) {
      const n = shape.length === 0 ? 1 : Number(shape[0]);
      const at = (list: readonly Dim[], i: number): Dim => list[list.length === 1 ? 0 : i] ?? unknownDim();
      const left = a.content;
      const right = b.content;
      content = Array.from({ length: n }, (_, i) => combine(at(left, i), at(right, i)));
    }
    return [{ dtype, shape, content }];
  };
}

/** Integer division truncates towards zero. */
function quotient(a: Dim, b: Dim): Dim {
  return typeof a === 'number' && typeof b === 'number' && b !== 0 ? Math.trunc(a / b) + 0 : divideDims(a, b);
}

const modulo: Rule = (call) => {
  if (isFloat(input(call, 0).dtype) && integer(call, 'fmod', 0) !== 1) fail(call, 'needs integers (or fmod)');
  return arithmetic()(call);
};

const compare: Rule = (call) => {
  sameDtype(call, 0, 1);
  return [{ dtype: 'bool', shape: broadcast(call, input(call, 0).shape, input(call, 1).shape) }];
};

const logical: Rule = (call) => {
  if (sameDtype(call, 0, 1) !== 'bool') fail(call, 'needs booleans');
  return [{ dtype: 'bool', shape: broadcast(call, input(call, 0).shape, input(call, 1).shape) }];
};

function batchMatrix(call: Call, transA: boolean, transB: boolean, transBatchB = false): ValueType[] {
  const dtype = sameDtype(call, 0, 1);
  notBool(call);
  const a = [...input(call, 0).shape];
  let b = [...input(call, 1).shape];
  if (transBatchB && b.length !== 3) fail(call, 'transBatchB needs rank 3');
  if (transBatchB) b = [b[1] ?? 1, b[0] ?? 1, b[2] ?? 1];
  if (a.length < 2 || b.length < 2) fail(call, 'needs matrices (rank 2 or more)');
  const [n0, k0] = transA ? [a.at(-1), a.at(-2)] : [a.at(-2), a.at(-1)];
  const [k1, m0] = transB ? [b.at(-1), b.at(-2)] : [b.at(-2), b.at(-1)];
  if (n0 === undefined || k0 === undefined || k1 === undefined || m0 === undefined) fail(call, 'needs matrices');
  if (!mayBeEqual(k0, k1)) fail(call, `inner dimensions ${k0} and ${k1} differ`);
  return [{ dtype, shape: [...broadcast(call, a.slice(0, -2), b.slice(0, -2)), n0, m0] }];
}

const reduce: Rule = (call) => {
  const x = input(call, 0);
  notBool(call);
  const keep = integer(call, 'keepdims', 1) === 1;
  const all = x.shape.map((_, i) => i);
  const axes = constantAxes(call, 1, x.shape.length) ?? [];
  const none = axes.length === 0 && integer(call, 'noop_with_empty_axes', 0) === 1;
  const at = new Set(axes.length === 0 && !none ? all : axes);
  return [{ dtype: x.dtype, shape: x.shape.flatMap((dim, i) => (at.has(i) ? (keep ? [1] : []) : [dim])) }];
};

const argReduce: Rule = (call) => {
  const x = input(call, 0);
  const at = axisOf(call, integer(call, 'axis', 0), x.shape.length);
  const keep = integer(call, 'keepdims', 1) === 1;
  return [{ dtype: 'int64', shape: x.shape.flatMap((dim, i) => (i === at ? (keep ? [1] : []) : [dim])) }];
};

function reshape(call: Call): ValueType[] {
  const x = input(call, 0);
  const wanted = input(call, 1);
  if (wanted.dtype !== 'int64') fail(call, 'the shape must be int64');
  const content = wanted.content;
  if (content === undefined) return [{ dtype: x.dtype, shape: unknownShape(call, wanted) }];
  const total = productOf(x.shape);
  const exact = integer(call, 'allowzero', 0) === 1;
  const dims = content.map((dim, i) =>
    dim === 0 && !exact ? (x.shape[i] ?? fail(call, `no input dimension ${i} to copy`)) : dim,
  );
  const open = dims.filter((dim) => typeof dim === 'number' && dim < 0);
  if (open.length > 1 || (open[0] ?? -1) !== -1) fail(call, `cannot make the shape ${formatShape(dims)}`);
  const hole = dims.indexOf(-1);
  if (hole >= 0) {
    const rest = productOf(dims.filter((_, i) => i !== hole));
    if (typeof total === 'number' && typeof rest === 'number' && rest !== 0 && total % rest !== 0) {
      fail(call, `${total} elements do not divide into ${formatShape(dims)}`);
    }
    const common = cancel(
      x.shape,
      dims.filter((_, i) => i !== hole),
    );
    dims[hole] = common ?? divideDims(total, rest);
  } else {
    const made = productOf(dims);
    // Proved to differ: numbers, or one a multiple of the other.
    const ratios = total === 0 || made === 0 ? [] : [divideDims(total, made), divideDims(made, total)];
    if (ratios.some((ratio) => typeof ratio === 'number' && ratio !== 1)) {
      fail(call, `${total} elements cannot be seen as ${formatShape(dims)}`);
    }
  }
  const content1 = x.content !== undefined && dims.length <= 1 ? x.content : undefined;
  return [{ dtype: x.dtype, shape: dims, content: content1 }];
}

/** product(shape) / product(divisors) when the divisors cancel factor by factor, keeping symbols readable. */
function cancel(shape: readonly Dim[], divisors: readonly Dim[]): Dim | undefined {
  const rest = [...shape];
  let numbers = 1;
  for (const dim of divisors) {
    const at = typeof dim === 'string' ? rest.indexOf(dim) : -1;
    if (at >= 0) rest.splice(at, 1);
    else if (typeof dim === 'number') numbers *= dim;
    else return undefined;
  }
  const numeric = rest.filter((dim) => typeof dim === 'number').reduce((a, b) => a * b, 1);
  const symbols = rest.filter((dim) => typeof dim === 'string');
  return numeric % numbers === 0 ? symbols.reduce<Dim>(multiplyDims, numeric / numbers) : undefined;
}

const transpose: Rule = (call) => {
  const x = input(call, 0);
  const perm = integers(call, 'perm');
  if (perm.length !== x.shape.length || new Set(perm).size !== perm.length)
    fail(call, `perm [${perm.join(', ')}] does not fit`);
  return [
    { dtype: x.dtype, shape: perm.map((i) => x.shape[i] ?? fail(call, `perm [${perm.join(', ')}] does not fit`)) },
  ];
};

const concat: Rule = (call) => {
  const list = call.inputs.map((_, i) => input(call, i));
  const dtype = sameDtype(call, ...list.keys());
  const first = input(call, 0);
  const axis = axisOf(call, integer(call, 'axis'), first.shape.length);
  const shape = [...first.shape];
  for (const other of list.slice(1)) {
    if (other.shape.length !== shape.length) fail(call, 'ranks differ');
    other.shape.forEach((dim, i) => {
      const have = shape[i] ?? unknownDim();
      if (i === axis) shape[i] = addDims(have, dim);
      else if (mayBeEqual(have, dim)) shape[i] = merge(have, dim);
      else fail(call, `dimension ${i} differs: ${have} and ${dim}`);
    });
  }
  const known = list.every((x) => x.content !== undefined) && shape.length === 1;
  return [{ dtype, shape, content: known ? list.flatMap((x) => [...(x.content ?? [])]) : undefined }];
};

/** Numbers are clamped as ONNX does; symbolic bounds and sizes are taken to be in range. */
function sliceBound(value: Dim, size: Dim): Dim {
  if (typeof value === 'number' && value > 2 ** 30) return size;
  if (typeof value === 'number' && value < -(2 ** 30)) return 0;
  const bound = typeof value === 'number' && value < 0 ? addDims(size, value) : value;
  return typeof bound === 'number' && typeof size === 'number' ? Math.min(Math.max(bound, 0), size) : bound;
}

const slice: Rule = (call) => {
  const x = input(call, 0);
  const starts = input(call, 1).content;
  const ends = input(call, 2).content;
  const axes = call.inputs[3] === undefined ? x.shape.map((_, i) => i) : call.inputs[3].content;
  const steps = call.inputs[4]?.content;
  if (axes === undefined) return [{ dtype: x.dtype, shape: x.shape.map(() => unknownDim()) }];
  const shape = [...x.shape];
  let content = x.content;
  axes.forEach((axisDim, i) => {
    const axis = axisOf(call, Number(axisDim), shape.length);
    const size = shape[axis] ?? unknownDim();
    const step = call.inputs[4] === undefined ? 1 : steps?.[i];
    const start = starts?.[i];
    const end = ends?.[i];
    if (step !== 1 || start === undefined || end === undefined) {
      const whole = step === -1 && start === -1 && typeof end === 'number' && end < -(2 ** 30);
      shape[axis] = whole ? size : unknownDim();
      content = undefined;
      return;
    }
    const from = sliceBound(start, size);
    const to = sliceBound(end, size);
    const length = addDims(to, from, -1);
    shape[axis] = typeof length === 'number' ? Math.max(length, 0) : length;
    content =
      typeof from === 'number' && typeof to === 'number' && shape.length === 1 ? content?.slice(from, to) : undefined;
  });
  return [{ dtype: x.dtype, shape, content }];
};

const gather: Rule = (call) => {
  const x = input(call, 0);
  const index = input(call, 1);
  indexVector(call, 1);
  const axis = axisOf(call, integer(call, 'axis', 0), x.shape.length);
  const shape = [...x.shape.slice(0, axis), ...index.shape, ...x.shape.slice(axis + 1)];
  const picked = x.content !== undefined && index.content !== undefined;
  const content = picked ? index.content.map((i) => x.content?.[Number(i)] ?? unknownDim()) : undefined;
  return [{ dtype: x.dtype, shape, content }];
};

/** Rows of a matrix of 4-bit integers, two a byte along the last axis, times their blocks' scales. */
const gatherBlockQuantized: Rule = (call) => {
  const [packed, index, scales] = [input(call, 0), input(call, 1), input(call, 2)];
  const [rows, bytes] = packed.shape;
  if (packed.dtype !== 'uint8' || packed.shape.length !== 2) fail(call, 'needs a matrix of bytes');
  if (index.dtype !== 'int32' && index.dtype !== 'int64') fail(call, 'needs integer indices');
  if (!isFloat(scales.dtype) || scales.shape.length !== 2) fail(call, 'needs a matrix of floating-point scales');
  if (integer(call, 'bits') !== 4 || integer(call, 'gather_axis') !== 0 || integer(call, 'quantize_axis') !== 1) {
    fail(call, 'only 4 bits in rows are supported');
  }
  const blocks = Number(scales.shape[1]);
  if (scales.shape[0] !== rows || blocks * integer(call, 'block_size') !== 2 * Number(bytes)) {
    fail(call, 'the scales do not fit');
  }
  return [{ dtype: scales.dtype, shape: [...index.shape, 2 * Number(bytes)] }];
};

const shapeOf: Rule = (call) => {
  const x = input(call, 0);
  const rank = x.shape.length;
  const bound = (name: string, fallback: number): number => {
    const value = integer(call, name, fallback);
    return Math.max(0, Math.min(value < 0 ? value + rank : value, rank));
  };
  const content = x.shape.slice(bound('start', 0), bound('end', rank));
  return [{ dtype: 'int64', shape: [content.length], content }];
};

const expand: Rule = (call) => {
  const x = input(call, 0);
  const wanted = input(call, 1);
  const shape = wanted.content ?? unknownShape(call, wanted);
  return [{ dtype: x.dtype, shape: broadcast(call, x.shape, shape) }];
};

const squeeze: Rule = (call) => {
  const x = input(call, 0);
  if (call.inputs[1] === undefined && x.shape.some((dim) => typeof dim === 'string')) {
    fail(call, 'the axes must be given where a size is a symbol, which may be 1');
  }
  const ones = x.shape.flatMap((dim, i) => (dim === 1 ? [i] : []));
  const at = new Set(constantAxes(call, 1, x.shape.length) ?? ones);
  for (const i of at) if (!mayBeEqual(x.shape[i] ?? 1, 1)) fail(call, `dimension ${i} is ${x.shape[i]}, not 1`);
  return [{ dtype: x.dtype, shape: x.shape.filter((_, i) => !at.has(i)), content: x.content }];
};

const unsqueeze: Rule = (call) => {
  const x = input(call, 0);
  const rank = x.shape.length + (input(call, 1).content?.length ?? 0);
  const at = new Set(constantAxes(call, 1, rank));
  const rest = [...x.shape];
  const shape = Array.from({ length: rank }, (_, i) => (at.has(i) ? 1 : (rest.shift() ?? unknownDim())));
  return [{ dtype: x.dtype, shape, content: rank <= 1 ? x.content : undefined }];
};

const constantOfShape: Rule = (call) => {
  const wanted = input(call, 0);
  const value = call.attributes['value'];
  const dtype = typeof value === 'object' && 'dtype' in value ? value.dtype : 'float32';
  return [{ dtype, shape: wanted.content ?? unknownShape(call, wanted) }];
};

const range: Rule = (call) => {
  const [start, limit, delta] = [input(call, 0), input(call, 1), input(call, 2)];
  const one = (x: ValueType): Dim => x.content?.[0] ?? unknownDim();
  const length = one(delta) === 1 ? addDims(one(limit), one(start), -1) : unknownDim();
  return [{ dtype: sameDtype(call, 0, 1, 2), shape: [typeof length === 'number' ? Math.max(length, 0) : length] }];
};

const split: Rule = (call) => {
  const x = input(call, 0);
  const sizes = call.inputs[1]?.content;
  const axis = axisOf(call, integer(call, 'axis', 0), x.shape.length);
  if (sizes !== undefined && sizes.length !== call.outputs)
    fail(call, `${sizes.length} sizes for ${call.outputs} outputs`);
  if (sizes !== undefined) {
    const total = sizes.reduce<Dim>((a, b) => addDims(a, b), 0);
    const have = x.shape[axis] ?? unknownDim();
    if (typeof total === 'number' && typeof have === 'number' && total !== have)
      fail(call, `sizes add up to ${total}, not ${have}`);
  }
  return Array.from({ length: call.outputs }, (_, i) => ({
    dtype: x.dtype,
    shape: x.shape.map((dim, at) => (at === axis ? (sizes?.[i] ?? unknownDim()) : dim)),
  }));
};

const gemm: Rule = (call) => {
  const [product] = batchMatrix(call, integer(call, 'transA', 0) === 1, integer(call, 'transB', 0) === 1);
  if (product === undefined || product.shape.length !== 2) fail(call, 'needs rank 2');
  const bias = call.inputs[2];
  if (bias !== undefined) {
    sameDtype(call, 0, 2);
    const shape = broadcast(call, product.shape, bias.shape);
    const wider = shape.length > 2 || shape.some((dim, i) => !mayBeEqual(dim, product.shape[i] ?? 1));
    if (wider) fail(call, `the bias does not broadcast to ${formatShape(product.shape)}`);
  }
  return [product];
};

const where: Rule = (call) => {
  if (input(call, 0).dtype !== 'bool') fail(call, 'the condition must be bool');
  const shape = broadcast(call, broadcast(call, input(call, 0).shape, input(call, 1).shape), input(call, 2).shape);
  return [{ dtype: sameDtype(call, 1, 2), shape }];
};

const cast: Rule = (call) => {
  const to = call.attributes['to'];
  if (typeof to !== 'string' || !(to in ONNX_DTYPE))
    fail(call, `attribute to must name a type, not ${JSON.stringify(to)}`);
  const x = input(call, 0);
  const integerTypes = ['int32', 'int64'];
  const keeps = integerTypes.includes(to) && integerTypes.includes(x.dtype);
  return [{ dtype: to as DType, shape: x.shape, content: keeps ? x.content : undefined }];
};

const rmsNorm: Rule = (call) => {
  const x = input(call, 0);
  const scale = input(call, 1);
  sameDtype(call, 0, 1);
  floatUnary(call);
  const rank = x.shape.length;
  if (axisOf(call, integer(call, 'axis', -1), rank) !== rank - 1) fail(call, 'only the last axis is supported');
  if (scale.shape.length !== 1 || !mayBeEqual(x.shape.at(-1) ?? 1, scale.shape[0] ?? 1)) {
    fail(call, 'the scale does not fit the last dimension');
  }
  const inverse = [...x.shape.slice(0, -1), 1];
  // stash_type 1: the second output is float32 even for float64 inputs.
  return [
    { dtype: x.dtype, shape: x.shape },
    { dtype: 'float32', shape: inverse },
  ].slice(0, call.outputs) as ValueType[];
};

function sameShape(call: Call, have: readonly Dim[], wanted: readonly Dim[], what: string): void {
  const same = have.length === wanted.length && have.every((dim, i) => mayBeEqual(dim, wanted[i] ?? 0));
  if (!same) fail(call, `${what} must be ${formatShape(wanted)}`);
}

const gatherElements: Rule = (call) => {
  const [x, index] = [input(call, 0), input(call, 1)];
  indexVector(call, 1);
  axisOf(call, integer(call, 'axis', 0), x.shape.length);
  if (index.shape.length !== x.shape.length) fail(call, 'ranks differ');
  return [{ dtype: x.dtype, shape: index.shape }];
};

const scatterElements: Rule = (call) => {
  const [{ shape }] = gatherElements(call) as [ValueType];
  sameDtype(call, 0, 2);
  sameShape(call, input(call, 2).shape, shape, 'updates');
  return [{ dtype: input(call, 0).dtype, shape: input(call, 0).shape }];
};

const scatterND: Rule = (call) => {
  const [x, index] = [input(call, 0), input(call, 1)];
  sameDtype(call, 0, 2);
  const depth = index.shape.at(-1);
  if (index.dtype !== 'int64') fail(call, 'indices must be int64');
  if (typeof depth !== 'number' || depth > x.shape.length) fail(call, 'the last dimension of the indices does not fit');
  sameShape(call, input(call, 2).shape, [...index.shape.slice(0, -1), ...x.shape.slice(depth)], 'updates');
  return [{ dtype: x.dtype, shape: x.shape }];
};

const trilu: Rule = (call) => {
  const x = input(call, 0);
  if (x.shape.length < 2) fail(call, 'needs matrices (rank 2 or more)');
  return [{ dtype: x.dtype, shape: x.shape }];
};

const topK: Rule = (call) => {
  const x = input(call, 0);
  const k = input(call, 1).content?.[0] ?? unknownDim();
  const axis = axisOf(call, integer(call, 'axis', -1), x.shape.length);
  const shape = x.shape.map((dim, i) => (i === axis ? k : dim));
  return [
    { dtype: x.dtype, shape },
    { dtype: 'int64', shape },
  ];
};

function subgraph(call: Call, name: string): Graph {
  const value = call.attributes[name];
  return value instanceof GraphClass ? value : fail(call, `attribute ${name} must be a graph`);
}

/** True for the constant `true`. */
function isTrue(value: ValueType | undefined): boolean {
  if (!(value instanceof Value)) return false;
  const data = value.graph.initializers.find((item) => item.value === value)?.data;
  return data !== undefined && 'data' in data && data.data.length === 1 && Number(data.data[0]) !== 0;
}

/** True when only the trip count can end the loop: the condition starts true and the body hands it on. */
function runsToCount(call: Call, body: Graph): boolean {
  const out = body.outputs[0]?.value;
  const maker = body.nodes.find((node) => out !== undefined && node.outputs.includes(out));
  const handsOn = maker?.opType === 'Identity' && maker.inputs[0] === body.inputs[1];
  const stays = handsOn || isTrue(out) || (maker?.opType === 'Identity' && isTrue(maker.inputs[0]));
  return stays && (call.inputs[1] === undefined || isTrue(call.inputs[1]));
}

const loop: Rule = (call) => {
  const body = subgraph(call, 'body');
  const carried = call.inputs.length - 2;
  if ((call.inputs[0]?.dtype ?? 'int64') !== 'int64') fail(call, 'the trip count must be int64');
  if ((call.inputs[1]?.dtype ?? 'bool') !== 'bool') fail(call, 'the condition must be bool');
  if (body.outputs[0]?.value.dtype !== 'bool') fail(call, "the body's first output, the condition, must be bool");
  if (body.inputs.length !== carried + 2)
    fail(call, `the body has ${body.inputs.length} inputs, expected ${carried + 2}`);
  const scans = body.outputs.length - 1 - carried;
  if (scans < 0) fail(call, `the body has ${body.outputs.length} outputs, expected at least ${1 + carried}`);
  const results: ValueType[] = [];
  for (let i = 0; i < carried; i++) {
    const start = input(call, i + 2);
    const end = body.outputs[i + 1]?.value;
    const declared = body.inputs[i + 2];
    if (end === undefined || declared === undefined) fail(call, 'the body is incomplete');
    if (end.dtype !== start.dtype || declared.dtype !== start.dtype)
      fail(call, `carried value ${i} changes its element type`);
    sameShape(
      call,
      start.shape,
      declared.shape.map((dim) => (typeof dim === 'number' ? dim : unknownDim())),
      `carried value ${i}`,
    );
    const shape = end.shape.map((dim, at) => (dim === start.shape[at] ? dim : unknownDim()));
    results.push({ dtype: end.dtype, shape });
  }
  const count = (runsToCount(call, body) ? call.inputs[0]?.content?.[0] : undefined) ?? unknownDim();
  for (const scan of body.outputs.slice(1 + carried)) {
    // Symbols of the body's own scope do not hold outside, so unknown parts stay unknown.
    results.push({ dtype: scan.value.dtype, shape: [count, ...scan.value.shape] });
  }
  return results;
};

const scan: Rule = (call) => {
  const body = subgraph(call, 'body');
  const scanned = integer(call, 'num_scan_inputs');
  if (scanned !== call.inputs.length || body.inputs.length !== scanned) {
    fail(call, `the body has ${body.inputs.length} inputs; ${scanned} scanned ones and nothing carried are supported`);
  }
  body.inputs.forEach((declared, i) => {
    const { dtype, shape } = input(call, i);
    if (dtype !== declared.dtype) fail(call, `scanned input ${i} changes its element type`);
    sameShape(call, shape.slice(1), declared.shape, `scanned input ${i}`);
  });
  const count = input(call, 0).shape[0] ?? fail(call, 'nothing to scan over');
  return body.outputs.map(({ value }) => ({ dtype: value.dtype, shape: [count, ...value.shape] }));
};

/** Outputs: attention [B, S, heads * D], and keys and values seen so far [B, kvHeads, past + S, D]. */
const groupQueryAttention: Rule = (call) => {
  const [q, k] = [input(call, 0), input(call, 1)];
  const dtype = sameDtype(call, 0, 1, 2, 3, 4);
  const kvHeads = integer(call, 'kv_num_heads');
  if (q.shape.length !== 3 || k.shape.length !== 3) fail(call, 'needs [batch, rows, heads * size]');
  sameShape(call, input(call, 2).shape, k.shape, 'values');
  sameShape(call, k.shape.slice(0, 2), q.shape.slice(0, 2), 'batch and rows of the keys');
  const size = divideDims(k.shape[2] ?? unknownDim(), kvHeads);
  sameShape(call, q.shape.slice(2), [multiplyDims(size, integer(call, 'num_heads'))], 'queries');
  if (input(call, 5).dtype !== 'int32' || input(call, 6).dtype !== 'int32') fail(call, 'lengths must be int32');
  const past = call.inputs[3]?.shape;
  const [batch = unknownDim(), rows = unknownDim()] = q.shape;
  const present = [batch, kvHeads, addDims(past?.[2] ?? 0, rows), size];
  if (past !== undefined) sameShape(call, past, [batch, kvHeads, past[2] ?? unknownDim(), size], 'past keys');
  return [q, { dtype, shape: present }, { dtype, shape: present }].map(({ shape }) => ({ dtype, shape }));
};

/** Attention [tokens, heads * D] of the rows given, which also writes their keys and values into the caches in place. */
const pagedAttention: Rule = (call) => {
  const [q, k, v, keys, values] = [0, 1, 2, 3, 4].map((i) => input(call, i)) as [
    ValueType,
    ValueType,
    ValueType,
    ValueType,
    ValueType,
  ];
  const dtype = sameDtype(call, 0, 1, 2, 3, 4);
  if (q.shape.length !== 2 || k.shape.length !== 2) fail(call, 'needs [tokens, heads * size]');
  sameShape(call, v.shape, k.shape, 'values');
  sameShape(call, values.shape, keys.shape, 'cached values');
  const size = divideDims(k.shape[1] ?? unknownDim(), integer(call, 'kv_num_heads'));
  sameShape(call, q.shape.slice(1), [multiplyDims(size, integer(call, 'num_heads'))], 'queries');
  sameShape(call, keys.shape.slice(2), [integer(call, 'kv_num_heads'), size], 'a cached key');
  for (const i of [5, 6, 7, 16]) if (input(call, i).dtype !== 'int32') fail(call, `input ${i} must be int32`);
  return [{ dtype, shape: q.shape }];
};

/** RMS normalisation of x + skip; outputs: the norm, two that stay empty, and the sum. */
const addNorm: Rule = (call) => {
  const x = input(call, 0);
  sameDtype(call, 0, 1, 2);
  if (x.shape.length !== 2 && x.shape.length !== 3) fail(call, 'needs 2 or 3 dimensions');
  sameShape(call, input(call, 1).shape, x.shape, 'the other summand');
  sameShape(call, input(call, 2).shape, x.shape.slice(-1), 'the scale');
  const inverse = { dtype: 'float32' as const, shape: [...x.shape.slice(0, -1), 1] };
  const like = { dtype: x.dtype, shape: x.shape };
  return [like, inverse, inverse, like].slice(0, call.outputs);
};

const branch: Rule = (call) => {
  if (input(call, 0).dtype !== 'bool') fail(call, 'the condition must be bool');
  const yes = subgraph(call, 'then_branch');
  const no = subgraph(call, 'else_branch');
  if (yes.outputs.length !== no.outputs.length) fail(call, 'the branches have different numbers of outputs');
  return yes.outputs.map(({ value }, i) => {
    const other = no.outputs[i]?.value ?? fail(call, 'the branches differ');
    if (other.dtype !== value.dtype || other.rank !== value.rank) {
      fail(
        call,
        `output ${i} differs: ${value.dtype}${formatShape(value.shape)} and ${other.dtype}${formatShape(other.shape)}`,
      );
    }
    return {
      dtype: value.dtype,
      shape: value.shape.map((dim, at) => (dim === other.shape[at] && !isUnknown(dim) ? dim : unknownDim())),
    };
  });
};

const RULES: Readonly<Record<string, Rule>> = {
  Add: arithmetic(addDims),
  Sub: arithmetic((a, b) => addDims(a, b, -1)),
  Mul: arithmetic(multiplyDims),
  Div: arithmetic(quotient),
  Mod: modulo,
  Max: arithmetic((a, b) => (typeof a === 'number' && typeof b === 'number' ? Math.max(a, b) : unknownDim())),
  Min: arithmetic((a, b) => (typeof a === 'number' && typeof b === 'number' ? Math.min(a, b) : unknownDim())),
  Pow: arithmetic(),
  Neg: (call) => {
    notBool(call);
    return [{ dtype: input(call, 0).dtype, shape: input(call, 0).shape }];
  },
  Exp: floatUnary,
  Log: floatUnary,
  Sqrt: floatUnary,
  Reciprocal: floatUnary,
  Sigmoid: floatUnary,
  Softplus: floatUnary,
  Tanh: floatUnary,
  QuickGelu: floatUnary,
  Softmax: softmax,
  LogSoftmax: softmax,
  Identity: same,
  Trilu: trilu,
  CumSum: (call) => [{ dtype: input(call, 0).dtype, shape: input(call, 0).shape }],
  Equal: compare,
  Less: compare,
  LessOrEqual: compare,
  Greater: compare,
  GreaterOrEqual: compare,
  And: logical,
  Or: logical,
  Not: (call) => {
    if (input(call, 0).dtype !== 'bool') fail(call, 'needs booleans');
    return [{ dtype: 'bool', shape: input(call, 0).shape }];
  },
  MatMul: (call) => batchMatrix(call, false, false),
  FusedMatMul: (call) => {
    const [transA, transB, batchB] = ['transA', 'transB', 'transBatchB'].map((name) => integer(call, name, 0) === 1);
    return batchMatrix(call, transA === true, transB === true, batchB === true);
  },
  Gemm: gemm,
  ReduceSum: reduce,
  ReduceMean: reduce,
  ReduceMax: reduce,
  ReduceMin: reduce,
  ReduceLogSumExp: reduce,
  ArgMax: argReduce,
  Reshape: reshape,
  Transpose: transpose,
  Concat: concat,
  Slice: slice,
  Gather: gather,
  GatherBlockQuantized: gatherBlockQuantized,
  GatherElements: gatherElements,
  ScatterElements: scatterElements,
  ScatterND: scatterND,
  Shape: shapeOf,
  Expand: expand,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  ConstantOfShape: constantOfShape,
  Range: range,
  Split: split,
  Where: where,
  Cast: cast,
  SimplifiedLayerNormalization: rmsNorm,
  TopK: topK,
  RotaryEmbedding: (call) => [{ dtype: sameDtype(call, 0, 2, 3), shape: input(call, 0).shape }],
  GroupQueryAttention: groupQueryAttention,
  PagedAttention: pagedAttention,
  SkipSimplifiedLayerNormalization: addNorm,
  Loop: loop,
  Scan: scan,
  If: branch,
};

/**
 * Dtypes and (symbolic) shapes of an operator's outputs.
 * @throws GraphError when the operator is unknown or its inputs do not fit, naming shapes and the caller's line.
 */
export function inferOutputs(
  opType: string,
  inputs: readonly (ValueType | undefined)[],
  attributes: Readonly<Record<string, Attribute>>,
  outputs: number,
): readonly ValueType[] {
  const rule = RULES[opType];
  if (rule === undefined) throw new GraphError(`${opType}: no inference rule for this operator`);
  return rule({ opType, inputs, attributes, outputs });
}
