import { describe, expect, it } from 'vitest';
import type { GradientRule } from '../../../../src/main/engine/onnx/gradient-rules.ts';
import { GRADIENT_RULES } from '../../../../src/main/engine/onnx/gradient-rules.ts';
import type { Graph, Value } from '../../../../src/main/engine/onnx/graph.ts';
import * as o from '../../../../src/main/engine/onnx/ops.ts';
import type { Input, Problem } from './finite-difference.ts';
import { checkGradients } from './finite-difference.ts';

/** A named problem; it runs with sizes known and, unless `symbolic` says otherwise, with symbols for sizes. */
type Cases = Readonly<Record<string, Problem>>;
type Build = Problem['build'];

const x = (...shape: number[]): Input => ({ shape });
const positive = (...shape: number[]): Input => ({ shape, range: [0.5, 2] });
const away = (...shape: number[]): Input => ({ shape, range: [1, 3] });

const unary = (build: (g: Graph, x: Value) => Value, input: Input = x(2, 3)): Cases => ({
  plain: { inputs: [input], build },
});

/** Each direction of broadcasting: equal, scalar, ones, missing axes, both at once. */
function broadcasting(build: Build, make: (...shape: number[]) => Input = x): Cases {
  const pairs: Readonly<Record<string, readonly [number[], number[]]>> = {
    'equal shapes': [
      [2, 3],
      [2, 3],
    ],
    'scalar on the right': [[2, 3], []],
    'scalar on the left': [[], [2, 3]],
    'row on the right': [[2, 3], [3]],
    'row on the left': [[3], [2, 3]],
    'column on the right': [
      [2, 3],
      [2, 1],
    ],
    'both ways': [
      [2, 1, 3],
      [4, 1],
    ],
    'ones at the front': [
      [1, 3],
      [2, 2, 3],
    ],
    'a size of 1 kept': [
      [1, 3],
      [1, 1],
    ],
  };
  return Object.fromEntries(
    Object.entries(pairs).map(([name, [a, b]]) => [name, { inputs: [make(...a), make(...b)], build }]),
  );
}

const FLAGS = [false, true];
const flip = (shape: readonly number[], flag: boolean): number[] =>
  flag ? [...shape.slice(0, -2), shape.at(-1) ?? 0, shape.at(-2) ?? 0] : [...shape];

/** [n, k] x [k, m] for each pair of transpositions, plain and with batch axes that broadcast in each direction. */
function products(batched: boolean, build: (transA: boolean, transB: boolean) => Build, flags = FLAGS): Cases {
  const batches: readonly (readonly [number[], number[]])[] = batched
    ? [
        [[], []],
        [[2], [2]],
        [[2], []],
        [[], [2]],
        [
          [2, 1],
          [1, 3],
        ],
        [[2], [1]],
        [
          [1, 2],
          [3, 1, 1],
        ],
      ]
    : [[[], []]];
  const cases: Record<string, Problem> = {};
  for (const [p, q] of batches) {
    for (const transA of flags) {
      for (const transB of flags) {
        const inputs = [x(...flip([...p, 2, 3], transA)), x(...flip([...q, 3, 4], transB))];
        const name = `[${p.join()}] x [${q.join()}] transA ${transA} transB ${transB}`;
        cases[name] = { inputs, build: build(transA, transB) };
      }
    }
  }
  return cases;
}

/** Axes given, negative, several, all; keepdims both ways. */
function reductions(op: string): Cases {
  const cases: Record<string, Problem> = {};
  for (const keepdims of [0, 1]) {
    for (const axes of [[0], [1], [-1], [0, 2], [-2, 0], [2, 0], undefined]) {
      cases[`axes ${axes?.join() ?? 'all'} keepdims ${keepdims}`] = {
        inputs: [x(2, 3, 4)],
        build: (g, a) => g.op(op, axes === undefined ? [a] : [a, o.ints(g, axes)], { keepdims }),
      };
    }
  }
  cases['scalar'] = { inputs: [x()], build: (g, a) => g.op(op, [a], { keepdims: 0 }) };
  return cases;
}

const norm: Build = (g, a, w) => o.rmsNorm(g, a, w ?? a, 1e-3);
/** The operator gives 1 / sqrt(...) as float32 (6e-8 relative), which enters the gradient up to its third power. */
const FLOAT32_INVERSE = 5e-7;
const half = (value: number, count: number): number[] => Array.from({ length: count }, (_, i) => value + i);

/** RotaryEmbedding has a float32 kernel only; the function is linear in its input, so that a large step is exact. */
function rotary(interleaved: number): Problem {
  return {
    inputs: [x(1, 2, 3, 4)],
    dtype: 'float32',
    step: 0.5,
    tolerance: 1e-5,
    build: (g, a) => {
      const angles = half(0.3, 10).map((angle, i) => angle * (i + 1));
      const tables = [Math.cos, Math.sin].map((f) => g.constant('float32', angles.map(f), [5, 2]));
      const positions = g.constant('int64', [4, 0, 2], [1, 3]);
      return g.op('RotaryEmbedding', [a, positions, ...tables], { interleaved });
    },
  };
}

const CASES: Readonly<Record<string, Cases>> = {
  Identity: unary(o.identity),
  Add: broadcasting((g, a, b) => o.add(g, a, b ?? 1)),
  Sub: broadcasting((g, a, b) => o.sub(g, a, b ?? 1)),
  Mul: {
    ...broadcasting((g, a, b) => o.mul(g, a, b ?? 1)),
    'a value by itself': { inputs: [x(2, 3)], build: (g, a) => o.mul(g, a, a) },
    'by a constant': { inputs: [x(2, 3)], build: (g, a) => o.mul(g, a, -2.5) },
  },
  Div: {
    ...broadcasting((g, a, b) => o.div(g, a, b ?? 1), away),
    'a value by itself': { inputs: [away(3)], build: (g, a) => o.div(g, o.mul(g, a, a), a) },
  },
  Max: {
    ...broadcasting((g, a, b) => o.max(g, a, b ?? 1)),
    'with a constant': { inputs: [x(4, 5)], build: (g, a) => o.max(g, a, 0.1) },
  },
  Neg: unary(o.neg),
  Exp: unary(o.exp),
  Log: unary(o.log, positive(2, 3)),
  Sqrt: unary(o.sqrt, positive(2, 3)),
  Reciprocal: unary((g, a) => g.op('Reciprocal', [a]), away(2, 3)),
  Tanh: unary((g, a) => g.op('Tanh', [a])),
  Sigmoid: unary(o.sigmoid),
  QuickGelu: {
    'alpha 1 (SiLU)': { inputs: [{ shape: [2, 3], range: [-4, 4] }], build: o.silu },
    'alpha 2': { inputs: [x(2, 3)], build: (g, a) => g.op('QuickGelu', [a], { alpha: { float: 2 } }) },
    // 1.702 is rounded to float32 in the file but not in the rule: 3e-9 relative.
    'alpha left out': { inputs: [x(2, 3)], build: (g, a) => g.op('QuickGelu', [a]) },
  },
  Softmax: {
    'last axis': { inputs: [x(2, 3, 4)], build: o.softmax },
    'axis 1': { inputs: [x(2, 3, 4)], build: (g, a) => g.op('Softmax', [a], { axis: 1 }) },
    'axis -3': { inputs: [x(2, 3, 4)], build: (g, a) => g.op('Softmax', [a], { axis: -3 }) },
    'axis left out': { inputs: [x(2, 3)], build: (g, a) => g.op('Softmax', [a]) },
  },
  LogSoftmax: {
    'last axis': { inputs: [x(2, 3, 4)], build: o.logSoftmax },
    'axis 0': { inputs: [x(2, 3, 4)], build: (g, a) => g.op('LogSoftmax', [a], { axis: 0 }) },
  },
  ReduceLogSumExp: reductions('ReduceLogSumExp'),
  ReduceSum: reductions('ReduceSum'),
  ReduceMean: reductions('ReduceMean'),
  Cast: {
    // Quadratic, so that central differences are exact at any step: float32 rounding stays below the tolerance.
    'to float32 and back': {
      inputs: [x(2, 3)],
      step: 0.125,
      tolerance: 3e-6,
      build: (g, a) => {
        const narrow = o.cast(g, a, 'float32');
        return o.cast(g, o.mul(g, narrow, narrow), 'float64');
      },
    },
    'float32 output': {
      inputs: [x(2, 3)],
      step: 0.125,
      tolerance: 3e-6,
      build: (g, a) => o.cast(g, o.mul(g, a, a), 'float32'),
    },
    'through an integer no gradient flows': {
      inputs: [{ shape: [3], data: [0.3, 1.4, 2.6] }],
      build: (g, a) => o.add(g, o.mul(g, a, a), o.cast(g, o.cast(g, a, 'int64'), 'float64')),
    },
  },
  Where: {
    ...broadcasting((g, a, b) => o.where(g, o.less(g, a, 0.2), a, b ?? 1)),
    'condition wider than both': {
      inputs: [x(3), x(1)],
      symbolic: false,
      build: (g, a, b) => o.where(g, g.constant('bool', [1, 0, 1, 0, 0, 1], [2, 3]), a, b ?? 1),
    },
    'scalar operands': {
      inputs: [x(), x()],
      build: (g, a, b) => o.where(g, g.constant('bool', [1, 0, 1]), a, b ?? 1),
    },
  },
  MatMul: products(true, () => (g, a, b) => o.matmul(g, a, b ?? a), [false]),
  FusedMatMul: {
    ...products(true, (transA, transB) => (g, a, b) => o.fusedMatMul(g, a, b ?? a, { transA, transB, alpha: -0.75 })),
    'attributes left out': { inputs: [x(2, 3), x(3, 2)], build: (g, a, b) => g.op('FusedMatMul', [a, b]) },
    'a value by itself': { inputs: [x(3, 2)], build: (g, a) => o.fusedMatMul(g, a, a, { transA: true }) },
  },
  Gemm: {
    ...products(
      false,
      (transA, transB) => (g, a, b) => o.gemm(g, a, b ?? a, undefined, { transA, transB, alpha: 1.5 }),
    ),
    ...Object.fromEntries(
      [[2, 4], [4], [1, 4], [2, 1], [1], []].map(
        (bias) =>
          [
            `bias [${bias.join()}]`,
            {
              inputs: [x(2, 3), x(4, 3), x(...bias)],
              build: (g, a, b, c) => o.gemm(g, a, b ?? a, c, { transB: true, alpha: 2 }),
            },
          ] satisfies [string, Problem],
      ),
    ),
    'bias with beta': {
      inputs: [x(2, 3), x(3, 4), x(4)],
      build: (g, a, b, c) => g.op('Gemm', [a, b, c], { beta: { float: 0.5 } }),
    },
  },
  Reshape: {
    'with -1': { inputs: [x(2, 3, 4)], build: (g, a) => o.mul(g, o.reshape(g, a, [4, -1]), o.reshape(g, a, [4, -1])) },
    'with 0 and -1': { inputs: [x(2, 3, 4)], build: (g, a) => o.reshape(g, a, [0, -1]) },
    'to a vector': { inputs: [x(2, 3)], build: (g, a) => o.reshape(g, a, [-1]) },
    'of nothing': { inputs: [x(0, 3, 2)], build: (g, a) => o.reshapeExact(g, a, [6, 0]) },
    'from a scalar': { inputs: [x()], build: (g, a) => o.reshape(g, a, [1, 1]) },
    'to a shape computed in the graph': {
      inputs: [x(2, 3, 4)],
      build: (g, a) => o.reshape(g, a, o.shapeVector(g, o.dimOf(g, a, 2), -1)),
    },
  },
  Squeeze: {
    'one axis': { inputs: [x(2, 1, 3)], build: (g, a) => o.squeeze(g, a, 1) },
    'negative axes': { inputs: [x(1, 2, 1)], build: (g, a) => o.squeeze(g, a, -1, -3) },
    'all ones': { inputs: [x(1, 3, 1)], symbolic: false, build: (g, a) => g.op('Squeeze', [a]) },
  },
  Unsqueeze: {
    'front and back': { inputs: [x(2, 3)], build: (g, a) => o.unsqueeze(g, a, 0, -1) },
    scalar: { inputs: [x()], build: (g, a) => o.unsqueeze(g, a, 0) },
  },
  Expand: {
    'size of 1': { inputs: [x(2, 1, 3)], build: (g, a) => o.expand(g, a, [2, 4, 3]), symbolic: false },
    'new axes': { inputs: [x(3)], build: (g, a) => o.expand(g, a, [2, 2, 1]) },
    scalar: { inputs: [x()], build: (g, a) => o.expand(g, a, [2, 2]) },
    'to a shape computed in the graph': {
      inputs: [x(1, 3), x(2, 3)],
      build: (g, a, b) => o.mul(g, o.expand(g, a, o.shapeOf(g, b ?? a)), b ?? a),
    },
  },
  Transpose: {
    'a permutation that is not its own inverse': {
      inputs: [x(2, 3, 4)],
      build: (g, a) => o.transpose(g, a, [1, 2, 0]),
    },
    matrix: { inputs: [x(2, 3)], build: (g, a) => o.transpose(g, a, [1, 0]) },
  },
  Concat: {
    'axis 0': { inputs: [x(2, 3), x(1, 3), x(4, 3)], build: (g, ...parts) => o.concat(g, parts, 0) },
    'axis -1': { inputs: [x(2, 3), x(2, 2)], build: (g, ...parts) => o.concat(g, parts, -1) },
    'the same value twice': { inputs: [x(2, 3)], build: (g, a) => o.concat(g, [a, o.exp(g, a), a], 1) },
    'with a part that wants no gradient': {
      inputs: [x(2)],
      build: (g, a) => o.concat(g, [g.constant('float64', [1, 2, 3]), a], 0),
    },
  },
  Split: {
    'all outputs': {
      inputs: [x(2, 6)],
      symbolic: false,
      build: (g, a) => o.split(g, a, [1, 2, 3], 1).map((part, i) => o.mul(g, part, i + 1)),
    },
    'some outputs unused': { inputs: [x(2, 6)], build: (g, a) => o.split(g, a, [1, 2, 3], -1).slice(1, 2) },
    'an output used twice': {
      inputs: [x(4)],
      build: (g, a) => {
        const [first = a, second = a] = o.split(g, a, [2, 2], 0);
        return o.mul(g, first, o.mul(g, first, second));
      },
    },
  },
  Slice: {
    'the front': { inputs: [x(4, 3)], build: (g, a) => o.slice(g, a, 0, 2, 0) },
    'the middle': { inputs: [x(4, 3)], build: (g, a) => o.slice(g, a, 1, 3, 0) },
    'from a negative start to the end': { inputs: [x(4, 3)], build: (g, a) => o.slice(g, a, -2, 2 ** 40, 0) },
    'to a negative end': { inputs: [x(2, 5)], build: (g, a) => o.slice(g, a, 1, -1, -1) },
    'nothing left out': { inputs: [x(4, 3)], build: (g, a) => o.slice(g, a, 0, 2 ** 40, 1) },
    'from a start computed in the graph': {
      inputs: [x(4, 3)],
      build: (g, a) => o.slice(g, a, o.sub(g, o.dimOf(g, a, 0), g.constant('int64', [3])), o.dimOf(g, a, 0), 0),
    },
  },
  Gather: {
    'repeated indices': { inputs: [x(3, 2)], build: (g, a) => o.gather(g, a, g.constant('int64', [2, 0, 2, 2])) },
    'indices of rank 2': {
      inputs: [x(3, 2)],
      build: (g, a) => o.gather(g, a, g.constant('int64', [2, 0, 2, 2], [2, 2])),
    },
    'negative indices': { inputs: [x(3, 2)], build: (g, a) => o.gather(g, a, g.constant('int64', [-1, 2, -3])) },
    'one row': { inputs: [x(3, 2)], build: (g, a) => o.gather(g, a, g.constant('int64', 1)) },
    'from a vector': { inputs: [x(4)], build: (g, a) => o.gather(g, a, g.constant('int64', [3, 3, 1])) },
    'rank 3': { inputs: [x(3, 2, 2)], build: (g, a) => o.gather(g, a, g.constant('int32', [1, 1])) },
  },
  GatherElements: {
    'repeated indices': {
      inputs: [x(2, 3)],
      build: (g, a) => g.op('GatherElements', [a, g.constant('int64', [0, 0, 2, 1, 1, 1], [2, 3])], { axis: 1 }),
    },
    'negative axis, fewer indices than data': {
      inputs: [x(3, 4)],
      build: (g, a) => g.op('GatherElements', [a, g.constant('int64', [3, 0], [2, 1])], { axis: -1 }),
    },
  },
  RotaryEmbedding: { halves: rotary(0), interleaved: rotary(1) },
  Trilu: Object.fromEntries(
    [0, 1].flatMap((upper) =>
      [undefined, 1, -1].map(
        (offset) =>
          [
            `upper ${upper} offset ${offset ?? 'left out'}`,
            {
              inputs: [x(2, 3, 4)],
              build: (g, a) => g.op('Trilu', offset === undefined ? [a] : [a, g.constant('int64', offset)], { upper }),
            },
          ] satisfies [string, Problem],
      ),
    ),
  ),
  SimplifiedLayerNormalization: {
    'rank 2': { inputs: [x(3, 4), x(4)], tolerance: FLOAT32_INVERSE, build: norm },
    'rank 3': { inputs: [x(2, 2, 4), x(4)], tolerance: FLOAT32_INVERSE, build: norm },
    'weight a constant': {
      inputs: [x(2, 3)],
      symbolic: false,
      tolerance: FLOAT32_INVERSE,
      build: (g, a) => norm(g, a, g.constant('float64', [1, 2, 3])),
    },
  },
};

it('every rule of the table has finite-difference tests', () => {
  expect(Object.keys(CASES).sort()).toEqual(Object.keys(GRADIENT_RULES).sort());
});

describe.each(Object.entries(CASES))('the gradient of %s', (opType, cases) => {
  it.each(Object.entries(cases))('%s', async (_, problem) => {
    for (const symbolic of problem.symbolic === false ? [false] : [false, true]) {
      const { operators, gradients } = await checkGradients({ ...problem, symbolic });
      expect(operators).toContain(opType);
      expect(gradients).not.toContain(undefined);
    }
  });
});

it.each(Object.entries(CASES))('an error of 1e-4 in the rule of %s is found', async (opType, cases) => {
  const rules = GRADIENT_RULES as Record<string, GradientRule>;
  const [problem] = Object.values(cases);
  const right = rules[opType];
  if (problem === undefined || right === undefined) throw new Error(`${opType} has no case`);
  rules[opType] = (g, context) => right(g, context).map((gradient) => gradient && o.mul(g, gradient, 1.0001));
  try {
    await expect(checkGradients(problem)).rejects.toThrow(/central difference/);
  } finally {
    rules[opType] = right;
  }
});
