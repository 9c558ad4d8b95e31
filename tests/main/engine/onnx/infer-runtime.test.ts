import { runInThisContext } from 'node:vm';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Dim } from '../../../../src/main/engine/onnx/dim.ts';
import { isUnknown } from '../../../../src/main/engine/onnx/dim.ts';
import { GraphError } from '../../../../src/main/engine/onnx/graph-error.ts';
import { Graph } from '../../../../src/main/engine/onnx/graph.ts';
import type { Value } from '../../../../src/main/engine/onnx/graph.ts';
import * as o from '../../../../src/main/engine/onnx/ops.ts';
import type { HostTensor } from '../../../../src/main/engine/onnx/session.ts';
import { Session } from '../../../../src/main/engine/onnx/session.ts';

/** Sizes of the symbols; far enough apart that steps do not make them equal, 1 or 0. */
const SIZES: Readonly<Record<string, number>> = { B: 7, T: 11, P: 13 };

/** A step of a random graph: picks operands with `pick` and makes values of them, or does not apply. */
interface Choices {
  readonly g: Graph;
  /** One of the float values so far. */
  readonly value: () => Value;
  /** A number below n. */
  readonly below: (n: number) => number;
}

const axisOf = ({ below }: Choices, x: Value): number => below(2 * x.rank) - x.rank;
const some = (c: Choices, x: Value): number[] =>
  x.shape.flatMap((_, i) => (c.below(2) === 0 ? [i - c.below(2) * x.rank] : []));

const STEPS: Readonly<Record<string, (c: Choices) => Value | readonly Value[]>> = {
  add: (c) => o.add(c.g, c.value(), c.value()),
  mulByNumber: (c) => o.mul(c.g, c.value(), 0.5),
  where: (c) => {
    const x = c.value();
    return o.where(c.g, o.less(c.g, x, 0), x, c.value());
  },
  unary: (c) => o.sigmoid(c.g, c.value()),
  matmul: (c) => o.matmul(c.g, c.value(), c.value()),
  fusedMatMul: (c) => {
    const [transA, transB] = [c.below(2) === 1, c.below(2) === 1];
    return o.fusedMatMul(c.g, c.value(), c.value(), { transA, transB });
  },
  selfProduct: (c) => {
    const x = c.value();
    return o.fusedMatMul(c.g, x, x, { transB: true });
  },
  gemm: (c) => {
    const x = c.value();
    return o.gemm(c.g, x, x, undefined, { transA: true });
  },
  softmax: (c) => {
    const x = c.value();
    return c.g.op('Softmax', [x], { axis: axisOf(c, x) });
  },
  reduce: (c) => {
    const x = c.value();
    const op = ['ReduceSum', 'ReduceMean', 'ReduceMax', 'ReduceLogSumExp'][c.below(4)] ?? '';
    return c.g.op(op, [x, o.ints(c.g, some(c, x))], { keepdims: c.below(2) });
  },
  reduceAll: (c) => c.g.op('ReduceSum', [c.value()], { keepdims: c.below(2) }),
  argMax: (c) => {
    const x = c.value();
    return o.cast(c.g, c.g.op('ArgMax', [x], { axis: axisOf(c, x), keepdims: c.below(2) }), 'float32');
  },
  transpose: (c) => {
    const x = c.value();
    const perm = x.shape.map((_, i) => i);
    for (let i = perm.length - 1; i > 0; i--) perm.push(...perm.splice(c.below(i + 1), 1));
    return o.transpose(c.g, x, perm);
  },
  flatten: (c) => o.reshape(c.g, c.value(), [-1]),
  mergeFront: (c) => {
    const x = c.value();
    return o.reshape(c.g, x, o.shapeVector(c.g, -1, o.dimOf(c.g, x, x.rank - 1)));
  },
  copyFront: (c) => o.reshape(c.g, c.value(), [0, -1]),
  splitBack: (c) => {
    const x = c.value();
    return o.reshape(c.g, x, o.shapeVector(c.g, o.dimOf(c.g, x, 0), 1, -1));
  },
  unsqueeze: (c) => {
    const x = c.value();
    return o.unsqueeze(c.g, x, c.below(2 * (x.rank + 1)) - x.rank - 1);
  },
  squeeze: (c) => c.g.op('Squeeze', [c.value()]),
  concat: (c) => {
    const x = c.value();
    return o.concat(c.g, [x, c.value()], axisOf(c, x));
  },
  concatSelf: (c) => {
    const x = c.value();
    return o.concat(c.g, [x, x, x], axisOf(c, x));
  },
  slice: (c) => {
    const x = c.value();
    const bounds: readonly (readonly [number, number])[] = [
      [0, 1],
      [1, 2 ** 40],
      [-1, 2 ** 40],
      [0, -1],
      [-2, -1],
    ];
    const [start, end] = bounds[c.below(bounds.length)] ?? [0, 1];
    return o.slice(c.g, x, start, end, axisOf(c, x));
  },
  sliceToSize: (c) => {
    const x = c.value();
    const axis = c.below(x.rank);
    return o.slice(c.g, x, 1, o.dimOf(c.g, x, axis), axis);
  },
  reverse: (c) => {
    const x = c.value();
    return o.reverse(c.g, x, c.below(x.rank));
  },
  gather: (c) => {
    const x = c.value();
    const indices = [
      c.g.constant('int64', 0),
      c.g.constant('int64', [0, 0, -1]),
      c.g.constant('int64', [0, 0], [1, 2]),
    ];
    return o.gather(c.g, x, indices[c.below(3)] ?? x, axisOf(c, x));
  },
  split: (c) => {
    const x = c.value();
    const axis = c.below(x.rank);
    const sizes = o.shapeVector(c.g, 1, o.sub(c.g, o.dimOf(c.g, x, axis), c.g.constant('int64', [1])));
    return o.split(c.g, x, sizes, axis);
  },
  expand: (c) => o.expand(c.g, c.value(), o.shapeOf(c.g, c.value())),
  full: (c) => o.full(c.g, 'float32', o.shapeOf(c.g, c.value()), 1),
  range: (c) => {
    const x = c.value();
    return o.cast(c.g, o.arange(c.g, o.add(c.g, o.dimOf(c.g, x, c.below(x.rank)), 2)), 'float32');
  },
  sizeArithmetic: (c) => {
    const x = c.value();
    const n = o.dimOf(c.g, x, c.below(x.rank));
    return o.full(c.g, 'float32', o.shapeVector(c.g, o.mul(c.g, n, 2), o.div(c.g, o.add(c.g, n, 3), 2)));
  },
  topK: (c) => {
    const x = c.value();
    const axis = axisOf(c, x);
    return c.g.ops('TopK', [x, c.g.constant('int64', [1])], { axis }, { outputs: 2 })[0] ?? x;
  },
  trilu: (c) => c.g.op('Trilu', [c.value()], { upper: c.below(2) }),
  norm: (c) => {
    const x = c.value();
    const scale = o.full(c.g, 'float32', o.dimOf(c.g, x, x.rank - 1), 1);
    return c.g.ops('SimplifiedLayerNormalization', [x, scale], { axis: -1 }, { outputs: 2 });
  },
  normOfSum: (c) => {
    const x = c.value();
    const scale = o.full(c.g, 'float32', o.dimOf(c.g, x, x.rank - 1), 1);
    const { norm, sum } = o.addAndNorm(c.g, x, c.value(), scale, 1e-5);
    return [norm, sum];
  },
};

/** Builds a random graph; steps whose operands do not fit are left out (they are refused with a GraphError). */
function randomGraph(inputs: readonly (readonly Dim[])[], steps: readonly string[], numbers: readonly number[]): Graph {
  const g = new Graph('random');
  const values = inputs.map((shape, i) => g.input(`x${i}`, 'float32', shape));
  let at = 0;
  const below = (n: number): number => (n <= 0 ? 0 : (numbers[at++ % numbers.length] ?? 0) % n);
  const c: Choices = {
    g,
    below,
    // The newest values more often, so that operators build on each other.
    value: () => values[values.length - 1 - Math.min(below(values.length), below(values.length))] as Value,
  };
  for (const step of steps) {
    try {
      const made = [STEPS[step]?.(c) ?? []].flat();
      // Reductions over nothing are errors of the runtime: empty values are made but not used.
      const usable = (value: Value): boolean => value.rank > 0 && value.rank < 5 && !value.shape.some(isEmpty);
      values.push(...made.filter((value) => value.dtype === 'float32' && usable(value)));
    } catch (error) {
      if (!(error instanceof GraphError)) throw error;
    }
  }
  const made = new Set(g.nodes.flatMap((node) => node.outputs));
  [...made].forEach((value, i) => g.output(value, `y${i}`));
  return g;
}

/** A number, or a symbol's text evaluated at SIZES. */
function evaluate(dim: Dim): number {
  if (typeof dim === 'number') return dim;
  const text = dim.replaceAll(/[A-Z]/g, (symbol) => String(SIZES[symbol])).replaceAll('--', '- -');
  // A bracket is a quotient, rounded down (or one of its operands).
  return Number(runInThisContext(`${text.replaceAll('(', 'Math.floor(')}`));
}

const isEmpty = (dim: Dim): boolean => !isUnknown(dim) && evaluate(dim) === 0;

const dims = (pool: readonly Dim[]): fc.Arbitrary<Dim[]> =>
  fc.array(fc.constantFrom(...pool), { minLength: 1, maxLength: 3 });

async function check(pool: readonly Dim[], seen: Set<string>): Promise<number> {
  let unknown = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(dims(pool), { minLength: 2, maxLength: 3 }),
      fc.array(fc.constantFrom(...Object.keys(STEPS)), { minLength: 3, maxLength: 9 }),
      fc.array(fc.nat(1000), { minLength: 30, maxLength: 40 }),
      async (inputs, steps, numbers) => {
        const g = randomGraph(inputs, steps, numbers);
        if (g.nodes.length === 0) return;
        for (const node of g.nodes) seen.add(node.opType);
        const feeds = g.inputs.map(({ name, shape }): [string, HostTensor] => {
          const sizes = shape.map(evaluate);
          return [name, { data: new Float32Array(sizes.reduce((a, b) => a * b, 1)).fill(0.5), dims: sizes }];
        });
        const session = await Session.create(g, { device: 'cpu', threads: 1 });
        try {
          const results = await session.run(Object.fromEntries(feeds));
          for (const { name, value } of g.outputs) {
            const real = results[name]?.dims;
            expect(real?.length, `rank of ${value.name}`).toBe(value.rank);
            value.shape.forEach((dim, i) => {
              if (isUnknown(dim)) unknown += 1;
              else expect(evaluate(dim), `${value.name} axis ${i}: ${dim}`).toBe(real?.[i]);
            });
            if (value.content !== undefined && value.rank <= 1) {
              const data = Array.from(results[name]?.data ?? [], Number);
              expect(
                value.content.map((dim, i) => (isUnknown(dim) ? data[i] : evaluate(dim))),
                value.name,
              ).toEqual(data);
            }
          }
        } finally {
          await session.release();
        }
      },
    ),
    { numRuns: 250 },
  );
  return unknown;
}

it('infers the sizes that ONNX Runtime makes, when sizes are numbers', async () => {
  const seen = new Set<string>();
  const unknown = await check([1, 2, 3, 4], seen);
  // Nothing in these graphs depends on data.
  expect(unknown).toBe(0);
  expect([...seen].sort()).toEqual(
    expect.arrayContaining(['Concat', 'FusedMatMul', 'Gather', 'MatMul', 'Reshape', 'Slice', 'Split']),
  );
});

it('infers symbolic sizes that are right for the sizes fed', async () => {
  await check([1, 'T', 'T', 'B', 'P', 4, 'P+T'], new Set());
});
