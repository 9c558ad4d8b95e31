import { describe, expect, it } from 'vitest';
import { Graph } from '../../../../src/main/engine/onnx/graph.ts';
import type { Value } from '../../../../src/main/engine/onnx/graph.ts';
import * as o from '../../../../src/main/engine/onnx/ops.ts';
import type { HostTensor, TensorData } from '../../../../src/main/engine/onnx/session.ts';
import { Session } from '../../../../src/main/engine/onnx/session.ts';
import { UserError } from '../../../../src/shared/errors.ts';
import { uniform } from './finite-difference.ts';

async function withSession<T>(graph: Graph, threads: number, use: (session: Session) => Promise<T>): Promise<T> {
  const session = await Session.create(graph, { device: 'cpu', threads });
  try {
    return await use(session);
  } finally {
    await session.release();
  }
}

const bytes = ({ data }: HostTensor): Buffer => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

describe('run', () => {
  it('takes and gives every type that crosses', async () => {
    const data: Readonly<Record<string, TensorData>> = {
      float32: Float32Array.of(1.5, -0, NaN),
      float64: Float64Array.of(0.1, 5e-324, -Infinity),
      int32: Int32Array.of(-(2 ** 31), 0, 7),
      int64: BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n, 0n),
      bool: Uint8Array.of(1, 0, 1),
    };
    const g = new Graph('types');
    for (const dtype of ['float32', 'float64', 'int32', 'int64', 'bool'] as const) {
      g.output(o.identity(g, g.input(`${dtype} in`, dtype, ['N'])), dtype);
    }
    await withSession(g, 1, async (session) => {
      const feeds = Object.entries(data).map(([dtype, values]) => [`${dtype} in`, { data: values, dims: [3] }]);
      const results = await session.run(Object.fromEntries(feeds) as Record<string, HostTensor>);
      for (const [dtype, values] of Object.entries(data)) {
        expect(results[dtype]).toEqual({ data: values, dims: [3] });
        expect(results[dtype]?.data.constructor).toBe(values.constructor);
      }
    });
  });

  it('gives results that a later run does not overwrite, and leaves the feeds alone', async () => {
    const g = new Graph('double');
    g.output(o.mul(g, g.input('x', 'float32', ['N']), 2), 'y');
    await withSession(g, 1, async (session) => {
      const x = { data: Float32Array.of(1, 2), dims: [2] };
      const first = await session.run({ x });
      const second = await session.run({ x: { data: Float32Array.of(5, 6), dims: [2] } });
      expect([first['y']?.data, second['y']?.data, x.data]).toEqual([
        Float32Array.of(2, 4),
        Float32Array.of(10, 12),
        Float32Array.of(1, 2),
      ]);
    });
  });

  const wrong: Readonly<Record<string, readonly [Readonly<Record<string, HostTensor>>, RegExp]>> = {
    'a missing input': [{}, /x/],
    'an input that the graph does not have': [
      { x: { data: new Float32Array(2), dims: [2] }, z: { data: new Float32Array(2), dims: [2] } },
      /z/,
    ],
    'another type': [{ x: { data: new Float64Array(2), dims: [2] } }, /double/],
    'another size': [{ x: { data: new Float32Array(3), dims: [3] } }, /x[\s\S]*Got: 3 Expected: 2/],
    'another rank': [{ x: { data: new Float32Array(2), dims: [2, 1] } }, /x/],
    'too little data': [{ x: { data: new Float32Array(1), dims: [2] } }, /size\(2\).*length\(1\)/],
  };
  it.each(Object.entries(wrong))('with %s is an error', async (_, [feeds, message]) => {
    const g = new Graph('wrong');
    g.output(o.add(g, g.input('x', 'float32', [2]), 1), 'y');
    await withSession(g, 1, async (session) => {
      await expect(session.run(feeds)).rejects.toThrow(message);
    });
  });

  it('with sizes that one symbol cannot have is an error', async () => {
    const g = new Graph('symbols');
    g.output(o.add(g, g.input('a', 'float32', ['T']), g.input('b', 'float32', ['T'])), 'y');
    await withSession(g, 1, async (session) => {
      const feed = (n: number): HostTensor => ({ data: new Float32Array(n), dims: [n] });
      await expect(session.run({ a: feed(2), b: feed(3) })).rejects.toThrow(/Add|broadcast/);
    });
  });
});

describe('a session', () => {
  it('for CUDA on a machine without it is refused, never run on the CPU', async (context) => {
    const g = new Graph('cuda');
    g.output(o.add(g, g.input('x', 'float32', [2]), 1), 'y');
    const session = await Session.create(g, { device: 'cuda' }).catch((error: unknown) => error);
    if (session instanceof Session) {
      await session.release();
      return context.skip('this machine has CUDA');
    }
    expect(session).toBeInstanceOf(UserError);
    expect(session).toMatchObject({ code: 'unavailable' });
    expect(String(session)).toMatch(/CUDA cannot be used/);
  });

  it('of a model that ONNX Runtime refuses is an error', async () => {
    await expect(Session.fromBytes(Uint8Array.of(1, 2, 3), { device: 'cpu' })).rejects.toThrow();
  });
});

/** Matrix products, norms, softmax and sums over axes long enough to be cut between threads. */
function heavy(): Graph {
  const g = new Graph('heavy');
  const x = g.input('x', 'float32', [96, 160]);
  const w = g.input('w', 'float32', [160, 224]);
  const h = o.matmul(g, o.rmsNorm(g, x, g.constant('float32', Array(160).fill(1.1)), 1e-5), w);
  const scores = o.fusedMatMul(g, h, h, { transB: true, alpha: 0.07 });
  const mixed = o.gemm(g, o.softmax(g, scores), o.silu(g, h));
  g.output(mixed, 'mixed');
  g.output(o.fusedMatMul(g, x, mixed, { transA: true }), 'gradient');
  g.output(o.reduceSum(g, o.mul(g, mixed, mixed)), 'sum');
  g.output(o.reduceMean(g, mixed, [0]), 'mean');
  g.output(g.op('ReduceLogSumExp', [mixed, o.ints(g, [1])]), 'lse');
  return g;
}

describe('with two threads', () => {
  it('products and sums are the same bits in every run and in another session', async () => {
    const feeds = {
      x: { data: Float32Array.from(uniform(96 * 160, 1)), dims: [96, 160] },
      w: { data: Float32Array.from(uniform(160 * 224, 2)), dims: [160, 224] },
    };
    const seen: Record<string, Set<string>> = {};
    for (let s = 0; s < 2; s++) {
      await withSession(heavy(), 2, async (session) => {
        for (let run = 0; run < 15; run++) {
          for (const [name, tensor] of Object.entries(await session.run(feeds))) {
            expect(tensor.data.every((value) => Number.isFinite(Number(value)))).toBe(true);
            (seen[name] ??= new Set()).add(bytes(tensor).toString('base64'));
          }
        }
      });
    }
    expect(Object.fromEntries(Object.entries(seen).map(([name, results]) => [name, results.size]))).toEqual({
      mixed: 1,
      gradient: 1,
      sum: 1,
      mean: 1,
      lse: 1,
    });
  });

  it('ScatterElements adds rows picked many times in the same order in every run', async () => {
    const [rows, width, picks] = [7, 32, 4000];
    const index = uniform(picks, 3, [0, rows]).map(Math.floor);
    const updates = Float32Array.from(uniform(picks * width, 4));
    const g = new Graph('scatter');
    const indices = g.input('indices', 'int64', [picks]);
    const grid = o.expand(g, o.unsqueeze(g, indices, 1), [picks, width]);
    const scatter = (like: Value): Value =>
      g.op('ScatterElements', [o.full(g, 'float32', [rows, width]), grid, like], { axis: 0, reduction: 'add' });
    g.output(scatter(g.input('updates', 'float32', [picks, width])), 'table');
    // The order of the indices: what a plain loop in float32 gives, bit for bit.
    const expected = new Float32Array(rows * width);
    index.forEach((row, k) => {
      for (let j = 0; j < width; j++) {
        expected[row * width + j] = (expected[row * width + j] ?? 0) + (updates[k * width + j] ?? 0);
      }
    });
    await withSession(g, 2, async (session) => {
      for (let run = 0; run < 50; run++) {
        const { table } = await session.run({
          indices: { data: BigInt64Array.from(index, BigInt), dims: [picks] },
          updates: { data: updates, dims: [picks, width] },
        });
        expect(table?.data).toEqual(expected);
      }
    });
  });
});
