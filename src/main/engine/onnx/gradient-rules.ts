import { mayBeEqual } from './dim.ts';
import { wide } from './dtype.ts';
import type { Attribute, BackwardContext, Graph, Node, Value } from './graph.ts';
import { GraphError } from './graph-error.ts';
import * as o from './ops.ts';

/** How an operator's gradient is written in operators of the same IR; the table is the whole of reverse mode. */
export type GradientRule = (
  graph: Graph,
  context: BackwardContext & { readonly node?: Node },
) => readonly (Value | undefined)[];

interface Call {
  readonly g: Graph;
  /** Gradient of the first output. */
  readonly dy: Value;
  readonly x: (index: number) => Value;
  readonly y: (index: number) => Value;
  readonly wants: readonly boolean[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly context: BackwardContext;
}

function rule(compute: (call: Call) => readonly (Value | undefined)[]): GradientRule {
  return (g, context) => {
    const at = (list: readonly (Value | undefined)[], index: number): Value => {
      const value = list[index];
      if (value === undefined) throw new GraphError(`gradient of ${context.node?.opType}: operand ${index} is missing`);
      return value;
    };
    return compute({
      g,
      // Rules that use `dy` have one differentiable output, whose gradient is there when the rule is called.
      get dy() {
        return at(context.gradients, 0);
      },
      x: (index) => at(context.inputs, index),
      y: (index) => at(context.outputs, index),
      wants: context.wants,
      attributes: context.node?.attributes ?? {},
      context,
    });
  };
}

/** Sums a gradient over the axes along which `target` was broadcast. */
function unbroadcast(g: Graph, gradient: Value, target: Value): Value {
  const extra = gradient.rank - target.rank;
  const axes = gradient.shape.flatMap((dim, i) => {
    const own = target.shape[i - extra];
    return i < extra || (own === 1 && dim !== 1) ? [i] : [];
  });
  const unsure = target.shape.some((own, i) => {
    const dim = gradient.shape[i + extra];
    return own !== 1 && dim !== undefined && own !== dim && !mayBeEqual(own, dim);
  });
  if (unsure) throw new GraphError(`cannot tell along which axes ${target.name} was broadcast`);
  if (axes.length === 0) return gradient;
  // Half precision would be summed in half precision.
  const summed = o.cast(g, o.reduceSum(g, o.cast(g, gradient, wide(gradient.dtype)), axes, true), gradient.dtype);
  return extra === 0 ? summed : o.reshapeExact(g, summed, o.shapeOf(g, target));
}

function when(wanted: boolean | undefined, make: () => Value): Value | undefined {
  return wanted === true ? make() : undefined;
}

function numberOf(attribute: Attribute | undefined, fallback: number): number {
  if (typeof attribute === 'number') return attribute;
  return typeof attribute === 'object' && 'float' in attribute ? attribute.float : fallback;
}

function axesOf(call: Call): readonly number[] {
  const axes = call.context.inputs[1]?.content;
  return axes === undefined ? call.x(0).shape.map((_, i) => i) : axes.map(Number);
}

/** The gradient of a reduction, expanded back over the axes that were reduced. */
function expandReduced(call: Call): Value {
  const { g, dy } = call;
  const rank = call.x(0).rank;
  const axes = axesOf(call).map((axis) => (axis < 0 ? axis + rank : axis));
  const kept = numberOf(call.attributes['keepdims'], 1) === 1 ? dy : o.unsqueeze(g, dy, ...axes);
  return o.expand(g, kept, o.shapeOf(g, call.x(0)));
}

/** Products over the last two axes, summed over batch axes along which an operand was broadcast. */
function matrixGradients(call: Call, transA: boolean, transB: boolean, alpha: number): readonly (Value | undefined)[] {
  const { g, dy, wants } = call;
  const [a, b] = [call.x(0), call.x(1)];
  const product = (p: Value, q: Value, ta: boolean, tb: boolean): Value =>
    o.fusedMatMul(g, p, q, { transA: ta, transB: tb, alpha });
  const da = when(wants[0], () =>
    unbroadcast(g, transA ? product(b, dy, transB, true) : product(dy, b, false, !transB), a),
  );
  const db = when(wants[1], () =>
    unbroadcast(g, transB ? product(dy, a, true, transA) : product(a, dy, !transA, false), b),
  );
  return [da, db];
}

const identity = rule(({ dy }) => [dy]);

export const GRADIENT_RULES: Readonly<Record<string, GradientRule>> = {
  Identity: identity,
  Add: rule(({ g, dy, x, wants }) => [0, 1].map((i) => when(wants[i], () => unbroadcast(g, dy, x(i))))),
  Sub: rule(({ g, dy, x, wants }) => [
    when(wants[0], () => unbroadcast(g, dy, x(0))),
    when(wants[1], () => unbroadcast(g, o.neg(g, dy), x(1))),
  ]),
  Mul: rule(({ g, dy, x, wants }) => [
    when(wants[0], () => unbroadcast(g, o.mul(g, dy, x(1)), x(0))),
    when(wants[1], () => unbroadcast(g, o.mul(g, dy, x(0)), x(1))),
  ]),
  Div: rule(({ g, dy, x, y, wants }) => [
    when(wants[0], () => unbroadcast(g, o.div(g, dy, x(1)), x(0))),
    when(wants[1], () => unbroadcast(g, o.neg(g, o.div(g, o.mul(g, dy, y(0)), x(1))), x(1))),
  ]),
  // Ties give the gradient to the first operand.
  Max: rule(({ g, dy, x, wants }) => {
    const second = o.cast(g, o.less(g, x(0), x(1)), dy.dtype);
    return [
      when(wants[0], () => unbroadcast(g, o.mul(g, dy, o.sub(g, g.constant(dy.dtype, 1), second)), x(0))),
      when(wants[1], () => unbroadcast(g, o.mul(g, dy, second), x(1))),
    ];
  }),
  Neg: rule(({ g, dy }) => [o.neg(g, dy)]),
  Exp: rule(({ g, dy, y }) => [o.mul(g, dy, y(0))]),
  Log: rule(({ g, dy, x }) => [o.div(g, dy, x(0))]),
  Sqrt: rule(({ g, dy, y }) => [o.div(g, o.mul(g, dy, 0.5), y(0))]),
  Reciprocal: rule(({ g, dy, y }) => [o.neg(g, o.mul(g, dy, o.mul(g, y(0), y(0))))]),
  Tanh: rule(({ g, dy, y }) => [o.sub(g, dy, o.mul(g, dy, o.mul(g, y(0), y(0))))]),
  Sigmoid: rule(({ g, dy, y }) => [o.mul(g, dy, o.sub(g, y(0), o.mul(g, y(0), y(0))))]),
  // d/dx x s(ax) = s + a y (1 - s), with s = sigmoid(a x)
  QuickGelu: rule(({ g, dy, x, y, attributes }) => {
    const alpha = numberOf(attributes['alpha'], 1.702);
    const s = o.sigmoid(g, alpha === 1 ? x(0) : o.mul(g, x(0), alpha));
    const rest = o.sub(g, y(0), o.mul(g, y(0), s));
    return [o.mul(g, dy, o.add(g, s, alpha === 1 ? rest : o.mul(g, rest, alpha)))];
  }),
  Softmax: rule(({ g, dy, y, attributes }) => {
    const weighted = o.mul(g, dy, y(0));
    const sum = o.reduceSum(g, weighted, [numberOf(attributes['axis'], -1)], true);
    return [o.sub(g, weighted, o.mul(g, y(0), sum))];
  }),
  LogSoftmax: rule(({ g, dy, y, attributes }) => {
    const sum = o.reduceSum(g, dy, [numberOf(attributes['axis'], -1)], true);
    return [o.sub(g, dy, o.mul(g, o.exp(g, y(0)), sum))];
  }),
  ReduceLogSumExp: rule((call) => {
    const { g, x, y } = call;
    const axes = axesOf(call);
    const kept = numberOf(call.attributes['keepdims'], 1) === 1 ? y(0) : o.unsqueeze(g, y(0), ...axes);
    return [o.mul(g, expandReduced(call), o.exp(g, o.sub(g, x(0), kept)))];
  }),
  Cast: rule(({ g, dy, x }) => [o.cast(g, dy, x(0).dtype)]),
  Where: rule(({ g, dy, x, wants }) => {
    const zero = g.constant(dy.dtype, 0);
    return [
      undefined,
      when(wants[1], () => unbroadcast(g, g.op('Where', [x(0), dy, zero]), x(1))),
      when(wants[2], () => unbroadcast(g, g.op('Where', [x(0), zero, dy]), x(2))),
    ];
  }),
  MatMul: rule((call) => matrixGradients(call, false, false, 1)),
  FusedMatMul: rule((call) => {
    const flag = (name: string): boolean => numberOf(call.attributes[name], 0) === 1;
    if (flag('transBatchB')) throw new GraphError('FusedMatMul: no gradient where the rows come first');
    return matrixGradients(call, flag('transA'), flag('transB'), numberOf(call.attributes['alpha'], 1));
  }),
  Gemm: rule((call) => {
    const { g, dy, wants, attributes } = call;
    const [a, b] = [call.x(0), call.x(1)];
    const [transA, transB] = [numberOf(attributes['transA'], 0) === 1, numberOf(attributes['transB'], 0) === 1];
    const alpha = numberOf(attributes['alpha'], 1);
    const beta = numberOf(attributes['beta'], 1);
    const product = (p: Value, q: Value, ta: boolean, tb: boolean): Value =>
      o.gemm(g, p, q, undefined, { transA: ta, transB: tb, alpha });
    return [
      when(wants[0], () => (transA ? product(b, dy, transB, true) : product(dy, b, false, !transB))),
      when(wants[1], () => (transB ? product(dy, a, true, transA) : product(a, dy, !transA, false))),
      when(wants[2], () => unbroadcast(g, beta === 1 ? dy : o.mul(g, dy, beta), call.x(2))),
    ];
  }),
  Reshape: rule(({ g, dy, x }) => [o.reshapeExact(g, dy, o.shapeOf(g, x(0)))]),
  Squeeze: rule(({ g, dy, x }) => [o.reshapeExact(g, dy, o.shapeOf(g, x(0)))]),
  Unsqueeze: rule(({ g, dy, x }) => [o.reshapeExact(g, dy, o.shapeOf(g, x(0)))]),
  Expand: rule(({ g, dy, x }) => [unbroadcast(g, dy, x(0))]),
  Transpose: rule(({ g, dy, attributes }) => {
    const perm = attributes['perm'] as readonly number[];
    return [
      o.transpose(
        g,
        dy,
        perm.map((_, i) => perm.indexOf(i)),
      ),
    ];
  }),
  Concat: rule(({ g, dy, context, attributes }) => {
    const axis = numberOf(attributes['axis'], 0);
    const at = axis < 0 ? axis + dy.rank : axis;
    const inputs = context.inputs.filter((value) => value !== undefined);
    const sizes = o.concat(
      g,
      inputs.map((value) => o.dimOf(g, value, at)),
      0,
    );
    return g.ops('Split', [dy, sizes], { axis: at }, { outputs: inputs.length });
  }),
  Split: rule(({ g, context, attributes }) => {
    const axis = numberOf(attributes['axis'], 0);
    const parts = context.outputs.map((output, i) => {
      return context.gradients[i] ?? o.full(g, output.dtype, o.shapeOf(g, output));
    });
    return [o.concat(g, parts, axis)];
  }),
  // Steps of 1 only: zeros before and after along each sliced axis.
  Slice: rule(({ g, dy, x, context }) => {
    const axes = context.inputs[3]?.content?.map(Number);
    if (axes?.length !== 1 || context.inputs[4] !== undefined) {
      throw new GraphError('gradient of Slice: one axis and step 1 only');
    }
    const at = axes[0] ?? 0;
    const axis = at < 0 ? at + x(0).rank : at;
    const size = o.dimOf(g, x(0), axis);
    const start = x(1).content?.[0];
    const from = typeof start === 'number' && start < 0 ? o.add(g, size, start) : x(1);
    const zeros = (length: Value): Value => {
      const dims = x(0).shape.map((_, i) => (i === axis ? length : o.dimOf(g, x(0), i)));
      return o.full(g, dy.dtype, o.shapeVector(g, ...dims));
    };
    const tail = o.sub(g, o.sub(g, size, from), o.dimOf(g, dy, axis));
    return [o.concat(g, [zeros(from), dy, zeros(tail)], axis)];
  }),
  /** Rows picked several times add up. ScatterElements runs in index order on the CPU, so sums are reproducible. */
  Gather: rule(({ g, dy, x, attributes }) => {
    if (numberOf(attributes['axis'], 0) !== 0) throw new GraphError('gradient of Gather: axis 0 only');
    const table = x(0);
    const rest = table.shape.slice(1).map((_, i) => o.dimOf(g, table, i + 1));
    const flat = o.reshape(g, dy, o.shapeVector(g, -1, ...rest));
    if (dy.dtype === 'bfloat16') {
      // On CUDA: indices of every element would take more memory than the rows, and bfloat16 has no sum by index.
      const at = o.cast(g, o.reshape(g, x(1), [-1, 1]), 'int64');
      const none = o.full(g, 'float32', o.shapeOf(g, table));
      const updates = o.cast(g, flat, 'float32');
      return [o.cast(g, g.op('ScatterND', [none, at, updates], { reduction: 'add' }), dy.dtype)];
    }
    const rows = o.reshape(g, x(1), o.shapeVector(g, -1, ...rest.map(() => 1)));
    const indices = o.expand(g, rows, o.shapeOf(g, flat));
    const zeros = o.full(g, dy.dtype, o.shapeOf(g, table));
    return [g.op('ScatterElements', [zeros, indices, flat], { axis: 0, reduction: 'add' })];
  }),
  GatherElements: rule(({ g, dy, x, attributes }) => {
    const zeros = o.full(g, dy.dtype, o.shapeOf(g, x(0)));
    const axis = numberOf(attributes['axis'], 0);
    return [g.op('ScatterElements', [zeros, x(1), dy], { axis, reduction: 'add' })];
  }),
  ReduceSum: rule((call) => [expandReduced(call)]),
  ReduceMean: rule((call) => {
    const { g, x } = call;
    const axes = axesOf(call);
    if (axes.length === 0) return [call.dy];
    const count = axes
      .map((axis) => o.dimOf(g, x(0), axis < 0 ? axis + x(0).rank : axis))
      .reduce((a, b) => o.mul(g, a, b));
    const spread = expandReduced(call);
    return [o.div(g, spread, o.squeeze(g, o.cast(g, count, spread.dtype), 0))];
  }),
  /** A rotation's transpose is the rotation by the opposite angle. */
  RotaryEmbedding: rule(({ g, dy, x, attributes }) => [
    g.op('RotaryEmbedding', [dy, x(1), x(2), o.neg(g, x(3))], attributes),
  ]),
  Trilu: rule(({ g, dy, context, attributes }) => [
    g.op('Trilu', [dy, context.inputs[1]], { upper: numberOf(attributes['upper'], 1) }),
  ]),
  /** y = x r w with r = (mean(x^2) + eps)^-1/2: dx = r (dy w - x^ mean(dy w x^)), x^ = x r; dw = sum dy x^. */
  SimplifiedLayerNormalization: rule(({ g, dy, x, y, wants, context }) => {
    if (context.gradients[1] !== undefined) {
      throw new GraphError('SimplifiedLayerNormalization: no gradient through its second output');
    }
    // Half precision: the statistics and what is multiplied by them in single precision.
    const { dtype } = x(0);
    const up = (value: Value): Value => o.cast(g, value, wide(dtype));
    const inverse = up(y(1));
    const normalised = o.mul(g, up(x(0)), inverse);
    const scaled = up(o.mul(g, dy, x(1)));
    const dx = when(wants[0], () => {
      const mean = o.reduceMean(g, o.mul(g, scaled, normalised), [-1], true);
      return o.cast(g, o.mul(g, o.sub(g, scaled, o.mul(g, normalised, mean)), inverse), dtype);
    });
    return [dx, when(wants[1], () => o.cast(g, unbroadcast(g, o.mul(g, up(dy), normalised), x(1)), dtype))];
  }),
};
