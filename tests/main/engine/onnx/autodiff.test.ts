import { describe, expect, it } from 'vitest';
import { reverseMode } from '../../../../src/main/engine/onnx/autodiff.ts';
import { Graph } from '../../../../src/main/engine/onnx/graph.ts';
import type { Value } from '../../../../src/main/engine/onnx/graph.ts';
import * as o from '../../../../src/main/engine/onnx/ops.ts';
import { Session } from '../../../../src/main/engine/onnx/session.ts';
import type { Input } from './finite-difference.ts';
import { checkGradients, uniform } from './finite-difference.ts';

const x = (...shape: number[]): Input => ({ shape });

/** Gradients of sum(build(x)) for a graph with one input of shape [3]. */
function gradientsOf(build: (g: Graph, x: Value) => Value): readonly (Value | undefined)[] {
  const g = new Graph('test');
  const input = g.input('x', 'float64', [3]);
  const { result, tape } = g.record(() => build(g, input));
  return reverseMode(g, tape, [{ value: result, gradient: o.full(g, 'float64', o.shapeOf(g, result), 1) }], [input]);
}

describe('reverse mode', () => {
  it('adds up the gradients of a value that is used several times', async () => {
    await checkGradients({
      inputs: [x(3, 3), x(3)],
      build: (g, a, b = a) => {
        const twice = o.mul(g, a, a);
        const mixed = o.add(g, o.matmul(g, twice, a), o.mul(g, twice, b));
        return o.div(g, o.add(g, mixed, a), o.add(g, o.exp(g, a), b.rank === 1 ? o.mul(g, b, b) : b));
      },
    });
  });

  it('takes several outputs, one of which is computed from another, and the input itself', async () => {
    const { gradients } = await checkGradients({
      inputs: [x(2, 3)],
      build: (g, a) => {
        const first = o.exp(g, a);
        return [first, o.mul(g, first, a), a];
      },
    });
    expect(gradients[0]).toBeDefined();
  });

  it('gives undefined for an input without influence', async () => {
    const { gradients } = await checkGradients({
      inputs: [x(2, 3), x(2, 3), x(3), x(1, 3)],
      build: (g, a, unused = a, indexOnly = a, shapeOnly = a) => {
        o.exp(g, unused);
        const mask = o.cast(g, o.less(g, indexOnly, 100), 'float64');
        return o.add(g, o.mul(g, a, mask), o.cast(g, o.dimOf(g, shapeOnly, 1), 'float64'));
      },
    });
    expect(gradients.map((gradient) => gradient !== undefined)).toEqual([true, false, false, false]);
  });

  it('is right for softplus, also where its Max has ties', async () => {
    await checkGradients({ inputs: [{ shape: [5], range: [-30, 30] }], build: o.softplus });
    const g = new Graph('tie');
    const input = g.input('x', 'float64', [1]);
    const { result, tape } = g.record(() => o.softplus(g, input));
    const [dx] = reverseMode(g, tape, [{ value: result, gradient: g.constant('float64', [1]) }], [input]);
    if (dx === undefined) throw new Error('no gradient');
    g.output(dx, 'dx');
    const session = await Session.create(g, { device: 'cpu', threads: 1 });
    expect((await session.run({ x: { data: Float64Array.of(0), dims: [1] } }))['dx']?.data).toEqual(
      Float64Array.of(0.5),
    );
    await session.release();
  });

  it('is right for a small transformer-like block with symbolic sizes', async () => {
    await checkGradients({
      inputs: [x(3, 4), x(4), x(12, 4), x(5, 4), x(4, 5)],
      symbolic: false,
      build: (g, h, weight = h, qkv = h, up = h, down = h) => {
        const normed = o.rmsNorm(g, h, weight, 1e-5);
        const [q = h, k = h, v = h] = o
          .split(g, o.gemm(g, normed, qkv, undefined, { transB: true }), [4, 4, 4], 1)
          .map((part) => o.transpose(g, o.reshape(g, part, [-1, 2, 2]), [1, 0, 2]));
        const scores = o.fusedMatMul(g, q, k, { transB: true, alpha: Math.SQRT1_2 });
        const masked = o.add(g, scores, g.op('Trilu', [o.full(g, 'float64', [3, 3], -30), g.constant('int64', 1)]));
        const mixed = o.matmul(g, o.softmax(g, masked), v);
        const joined = o.add(g, h, o.reshape(g, o.transpose(g, mixed, [1, 0, 2]), [-1, 4]));
        const mlp = o.gemm(g, o.silu(g, o.gemm(g, joined, up, undefined, { transB: true })), down, undefined, {
          transB: true,
        });
        return o.logSoftmax(g, o.add(g, joined, mlp));
      },
      // The norm's float32 inverse root is differentiated through (see gradient-rules.test.ts).
      tolerance: 1e-6,
    });
  });
});

describe('an operator on the way without a rule', () => {
  it('is named', () => {
    expect(() => gradientsOf((g, a) => g.op('CumSum', [a, g.constant('int64', 0)]))).toThrow(
      /^CumSum: no gradient rule/,
    );
  });

  it('does no harm off the way', () => {
    const [dx] = gradientsOf((g, a) => {
      g.op('CumSum', [a, g.constant('int64', 0)]);
      return o.mul(g, a, o.cast(g, g.op('ArgMax', [a], { axis: 0, keepdims: 0 }), 'float64'));
    });
    expect(dx).toBeDefined();
  });

  it('is refused when a subgraph reads the value, instead of losing its gradient', () => {
    const branch = (g: Graph, make: (inner: Graph) => Value): Graph => {
      const inner = new Graph('branch', g);
      inner.output(make(inner));
      return inner;
    };
    expect(() =>
      gradientsOf((g, a) => {
        const squared = o.mul(g, a, a);
        return g.op('If', [g.constant('bool', 1)], {
          then_branch: branch(g, (inner) => o.exp(inner, squared)),
          else_branch: branch(g, (inner) => o.identity(inner, squared)),
        });
      }),
    ).toThrow(/^If: no gradient rule/);
    expect(() =>
      gradientsOf((g, a) => {
        const body = new Graph('body', g);
        body.anonymousInput('i', 'int64', []);
        const going = body.anonymousInput('going', 'bool', []);
        const sum = body.anonymousInput('sum', 'float64', [3]);
        body.output(o.identity(body, going));
        body.output(
          body.op('If', [going], {
            then_branch: branch(body, (inner) => o.add(inner, sum, a)),
            else_branch: branch(body, (inner) => o.identity(inner, sum)),
          }),
        );
        return g.op('Loop', [g.constant('int64', 3), undefined, o.full(g, 'float64', [3])], { body });
      }),
    ).toThrow(/^Loop: no gradient rule/);
  });

  it('is refused where the gradient of a second output would be lost', () => {
    expect(() =>
      gradientsOf((g, a) => {
        const attributes = { axis: -1, epsilon: { float: 1e-5 }, stash_type: 1 };
        const weight = g.constant('float64', [1, 1, 1]);
        const [y = a, inverse = a] = g.ops('SimplifiedLayerNormalization', [a, weight], attributes, { outputs: 2 });
        return o.mul(g, y, o.cast(g, inverse, 'float64'));
      }),
    ).toThrow(/^SimplifiedLayerNormalization: no gradient/);
  });

  it('is refused for a product whose rows come first', () => {
    expect(() =>
      gradientsOf((g, a) => {
        const left = o.reshape(g, a, [1, 1, 3]);
        return o.matmulRowsFirst(g, left, o.full(g, 'float64', [3, 1, 2]));
      }),
    ).toThrow(/^FusedMatMul: no gradient/);
  });
});

/** y = exp(x w), recomputed on the way back from x alone: the residual of a checkpoint. */
function checkpointed(g: Graph, input: Value, weight: Value): Value {
  const layer = (h: Value): Value => o.exp(g, o.mul(g, o.matmul(g, h, weight), 0.5));
  const [y] = g.composite(
    [input, weight],
    () => [layer(input)],
    (_, { gradients }) => {
      const [dy] = gradients;
      if (dy === undefined) return [undefined, undefined];
      const h = o.after(g, input, dy);
      const { result, tape } = g.record(() => layer(h));
      return reverseMode(g, tape, [{ value: result, gradient: dy }], [h, weight]);
    },
  );
  if (y === undefined) throw new Error('no output');
  return y;
}

describe('composites', () => {
  it('bring their own rule, and what they emit is not differentiated one by one', async () => {
    const { operators } = await checkGradients({
      inputs: [x(2, 3)],
      build: (g, a) => {
        const [y = a] = g.composite(
          [a],
          () => [g.op('CumSum', [a, g.constant('int64', 1)])],
          (_, { gradients: [dy] }) => [dy && g.op('CumSum', [dy, g.constant('int64', 1)], { reverse: 1 })],
        );
        return o.mul(g, o.exp(g, y), a);
      },
    });
    expect([...operators].sort()).toEqual(['Exp', 'Mul', 'composite']);
  });

  it('with several outputs see undefined for an output without gradient', async () => {
    await checkGradients({
      inputs: [x(3), x(3)],
      build: (g, a, b = a) => {
        const [, product = a] = g.composite(
          [a, b],
          () => [o.add(g, a, b), o.mul(g, a, b)],
          (_, { gradients: [sum, dy] }) => {
            if (sum !== undefined) throw new Error('nothing reads the sum');
            return dy === undefined ? [] : [o.mul(g, dy, b), o.mul(g, dy, a)];
          },
        );
        return product;
      },
    });
  });

  it('recompute on the way back: nested records, tied to the incoming gradient', async () => {
    await checkGradients({
      inputs: [x(2, 3), x(3, 3)],
      build: (g, a, w = a) => checkpointed(g, o.mul(g, checkpointed(g, a, w), a), w),
    });
  });

  it('run the recomputation after the gradient that asks for it', () => {
    const g = new Graph('order');
    const [a, w] = [g.input('a', 'float64', [2, 3]), g.input('w', 'float64', [3, 3])];
    const { result, tape } = g.record(() => o.exp(g, checkpointed(g, a, w)));
    const seed = g.input('seed', 'float64', [2, 3]);
    reverseMode(g, tape, [{ value: result, gradient: seed }], [a]);
    const producer = new Map(g.nodes.flatMap((node) => node.outputs.map((out) => [out, node])));
    const reaches = (from: Value): boolean =>
      from === seed || (producer.get(from)?.inputs ?? []).some((value) => value !== undefined && reaches(value));
    const products = g.nodes.filter((node) => node.opType === 'MatMul').flatMap((node) => node.outputs);
    expect(products.map(reaches)).toEqual([false, true]);
  });

  it('leave tapes as they were when building fails', () => {
    const g = new Graph('test');
    expect(() =>
      g.record(() => {
        throw new Error('stop');
      }),
    ).toThrow('stop');
    expect(g.recording).toBe(false);
    const { tape } = g.record(() => {
      expect(() =>
        g.composite(
          [],
          () => {
            throw new Error('inner');
          },
          () => [],
        ),
      ).toThrow('inner');
      return o.exp(g, g.constant('float64', uniform(3, 1)));
    });
    expect(tape.map(({ node }) => node?.opType)).toEqual(['Exp']);
  });
});
