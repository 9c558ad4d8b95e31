import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unknownDim } from '../../../../src/main/engine/onnx/dim.ts';
import type { DType } from '../../../../src/main/engine/onnx/dtype.ts';
import { DTYPE_BYTES } from '../../../../src/main/engine/onnx/dtype.ts';
import { Graph } from '../../../../src/main/engine/onnx/graph.ts';
import type { Value } from '../../../../src/main/engine/onnx/graph.ts';
import * as o from '../../../../src/main/engine/onnx/ops.ts';
import { Session } from '../../../../src/main/engine/onnx/session.ts';
import { encodeModel } from '../../../../src/main/engine/onnx/wire.ts';
import { pythonOrSkipReason, runPython } from '../../../python/python.ts';
import { bool, float32, int64, runGraph } from './run-graph.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'longhand-wire-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Elements of each type that only an exact writer keeps; all are representable. */
const EXACT: Readonly<Record<DType, readonly number[]>> = {
  bool: [1, 0, 1],
  uint8: [255, 0, 128],
  int32: [-(2 ** 31), 2 ** 31 - 1, 0, -1],
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 0, -1],
  float16: [65504, 2 ** -14, 2 ** -24, 1 + 2 ** -10, -0, -Infinity],
  bfloat16: [2 ** 127 * (2 - 2 ** -7), 2 ** -126, -(1 + 2 ** -7), -0, Infinity],
  float32: [Math.fround(0.1), 2 ** -149, 2 ** 127 * (2 - 2 ** -23), -0, -Infinity],
  float64: [0.1, 5e-324, Number.MAX_VALUE, -0, Infinity],
};

/** Half-precision values cannot leave a session as they are. */
const readable = (g: Graph, value: Value): Value =>
  value.dtype === 'float16' || value.dtype === 'bfloat16' ? o.cast(g, value, 'float32') : value;

/** Default-domain operators with all kinds of attributes, a Loop in an If, and constants of every type. */
function everything(): Graph {
  const g = new Graph('everything');
  const [flag, x, n] = [g.input('flag', 'bool', []), g.input('x', 'float32', ['T', 4]), g.input('n', 'int64', [])];
  g.input('y', 'float32', [unknownDim(), 'T+1', 2]);
  const yes = new Graph('yes', g);
  const body = new Graph('body', yes);
  const i = body.anonymousInput('i', 'int64', []);
  const going = body.anonymousInput('going', 'bool', []);
  const sum = body.anonymousInput('sum', 'float32', ['T', 4]);
  body.output(going);
  body.output(o.add(body, sum, o.mul(body, x, o.cast(body, i, 'float32'))));
  yes.output(yes.op('Loop', [n, undefined, o.full(yes, 'float32', o.shapeOf(yes, x), 0.5)], { body }));
  const no = new Graph('no', g);
  no.output(o.gemm(no, x, no.constant('float32', Array(16).fill(0.25), [4, 4]), undefined, { alpha: 0.5 }));
  const chosen = g.op('If', [flag], { then_branch: yes, else_branch: no });
  g.output(o.transpose(g, o.softmax(g, chosen), [1, 0]), 'result');
  for (const [dtype, data] of Object.entries(EXACT)) g.output(readable(g, g.constant(dtype as DType, data)), dtype);
  g.output(g.constant('float32', 3), 'scalar');
  g.output(g.constant('float32', [], [0, 2]), 'nothing');
  return g;
}

it('writes models that ONNX Runtime accepts, constants of every type exact', async () => {
  const g = new Graph('constants');
  for (const [dtype, data] of Object.entries(EXACT)) g.output(readable(g, g.constant(dtype as DType, data)), dtype);
  // A tensor attribute and a shape of two axes go the same way.
  g.output(o.full(g, 'int64', [2], Number.MIN_SAFE_INTEGER), 'filled');
  g.output(g.constant('float64', [1, 2, 3, 4, 5, 6], [3, 2]), 'matrix');
  const [result] = await runGraph(g, {});
  for (const [dtype, data] of Object.entries(EXACT)) expect(result?.[dtype]?.data, dtype).toEqual(data);
  expect(result?.['filled']?.data).toEqual([Number.MIN_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]);
  expect(result?.['matrix']).toEqual({ data: [1, 2, 3, 4, 5, 6], dims: [3, 2] });
});

it('rounds constants to bfloat16 and float16 to nearest, ties to even', async () => {
  const g = new Graph('rounding');
  const near = [1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20, -(1 + 2 ** -8), 1e-3];
  g.output(o.cast(g, g.constant('bfloat16', near), 'float32'), 'bfloat16');
  g.output(o.cast(g, g.constant('float16', [1 + 2 ** -11, 1 + 3 * 2 ** -11]), 'float32'), 'float16');
  const [result] = await runGraph(g, {});
  expect(result?.['bfloat16']?.data).toEqual([1, 1 + 2 ** -6, 1 + 2 ** -7, -1, 131 * 2 ** -17]);
  expect(result?.['float16']?.data).toEqual([1, 1 + 2 ** -9]);
});

it('writes subgraphs that compute', async () => {
  const feeds = { x: float32([1, 2, 3, 4]), y: float32([0, 0, 0, 0], [1, 2, 2]), n: int64([3], []) };
  const x = { ...feeds.x, dims: [1, 4] };
  const results = await runGraph(everything(), { ...feeds, x, flag: bool(true) }, { ...feeds, x, flag: bool(false) });
  const softmax = (z: readonly number[]): number[] => {
    const total = z.map(Math.exp).reduce((a, b) => a + b, 0);
    return z.map((value) => Math.exp(value) / total);
  };
  const expected = [softmax([1, 2, 3, 4].map((value) => 0.5 + 3 * value)), [0.25, 0.25, 0.25, 0.25]];
  results.forEach((result, k) => {
    expect(result['result']?.dims).toEqual([4, 1]);
    result['result']?.data.forEach((value, j) => expect(value).toBeCloseTo(expected[k]?.[j] ?? NaN, 6));
  });
});

it('gives the same bytes for the same graph', () => {
  const first = encodeModel(everything());
  unknownDim();
  expect(Buffer.from(encodeModel(everything())).equals(first)).toBe(true);
  const other = everything();
  other.output(other.constant('float32', 4), 'more');
  expect(Buffer.from(encodeModel(other)).equals(first)).toBe(false);
});

it('shares equal constants, also with subgraphs, and keeps 0 and -0 apart', () => {
  const g = new Graph('shared');
  const inner = new Graph('inner', g);
  expect(g.constant('float32', 1)).toBe(inner.constant('float32', 1));
  expect(g.constant('float32', [1])).not.toBe(g.constant('float32', 1));
  expect(g.constant('float64', 1)).not.toBe(g.constant('float32', 1));
  expect(g.constant('float32', 0)).not.toBe(g.constant('float32', -0));
  const local = inner.constant('float32', 9);
  expect(g.constant('float32', 9)).not.toBe(local);
});

it('refuses a fraction where ONNX has an integer attribute', () => {
  const g = new Graph('fraction');
  const x = g.input('x', 'float32', [2, 2]);
  expect(() => g.op('Gemm', [x, x], { alpha: 0.5 })).toThrow(/^Gemm: attribute alpha .*wire\.test\.ts:\d+/);
});

describe('the checker of the onnx package', () => {
  it('accepts a default-domain model with subgraphs, and reads the constants exactly', async (context) => {
    const env = pythonOrSkipReason();
    if ('reason' in env) return context.skip(env.reason);
    const file = path.join(folder, 'everything.onnx');
    const g = everything();
    await writeFile(file, encodeModel(g));
    const read = JSON.parse(await runPython('onnx_check.py', [file])) as Record<string, unknown>;
    if ('missing' in read) return context.skip('this Python has no onnx package');
    expect(read['inputs']).toEqual({ flag: [], x: ['T', 4], n: [], y: [0, 0, 2] });
    expect(read['opset']).toMatchObject({ '': 21 });
    const constants = read['constants'] as { dtype: string; shape: number[]; data: (string | number)[] }[];
    for (const [dtype, data] of Object.entries(EXACT)) {
      const name = { float32: 'FLOAT', float64: 'DOUBLE' }[dtype] ?? dtype.toUpperCase();
      const found = constants.find(
        (constant) => constant.dtype === name && constant.shape.join() === String(data.length),
      );
      expect(found?.data.map(fromHex), dtype).toEqual(data);
    }
  });
});

/** Python's float.hex() as a number. */
function fromHex(text: string | number): number {
  const match = /^(-?)0x([01])(?:\.([0-9a-f]+))?p([+-]\d+)$/.exec(String(text));
  if (match === null) return Number(String(text).replace('inf', 'Infinity'));
  const [, sign, whole, fraction = '0', exponent] = match;
  const mantissa = Number(whole) + Number.parseInt(fraction, 16) / 16 ** fraction.length;
  // In two factors: 2 ** -1074 times a fraction would round twice.
  return (
    (sign === '-' ? -1 : 1) *
    (mantissa * 2 ** Math.max(Number(exponent), -1000)) *
    2 ** Math.min(Number(exponent) + 1000, 0)
  );
}

describe('external data', () => {
  const matrix = [1, -2.5, 3, 4, 5, 6.25];
  /** A file with float32 and bfloat16 tensors at offsets that no alignment helps. */
  async function weights(name: string, shift: number): Promise<{ float32: number; bfloat16: number }> {
    const floats = Buffer.from(Float32Array.from(matrix, (x) => x * shift).buffer);
    const halves = Buffer.from(
      Uint16Array.from(new Uint32Array(Float32Array.from(matrix, (x) => x * shift).buffer), (x) => x >>> 16).buffer,
    );
    const parts = [Buffer.alloc(13, 0xff), floats, Buffer.alloc(2, 0xff), halves, Buffer.alloc(1, 0xff)];
    await writeFile(path.join(folder, name), Buffer.concat(parts));
    return { float32: 13, bfloat16: 13 + floats.length + 2 };
  }
  function graph(file: string, offsets: { float32: number; bfloat16: number }): Graph {
    const g = new Graph('external');
    const tensor = (dtype: 'float32' | 'bfloat16'): Value =>
      g.external(dtype, dtype, [3, 2], { path: file, offset: offsets[dtype], length: 6 * DTYPE_BYTES[dtype] });
    const x = g.input('x', 'float32', [1, 3]);
    g.output(o.matmul(g, x, tensor('float32')), 'y');
    g.output(o.matmul(g, x, o.cast(g, tensor('bfloat16'), 'float32')), 'z');
    return g;
  }
  const product = (shift: number): number[] => [shift * (1 + 30 + 500), shift * (-2.5 + 40 + 625)];

  it('is read in place at odd offsets', async () => {
    for (const shift of [1, -2]) {
      const file = `weights ${shift}.bin`;
      const g = graph(file, await weights(file, shift));
      expect(encodeModel(g).length).toBeLessThan(1000);
      const session = await Session.create(g, { device: 'cpu', threads: 1, weightFolder: folder });
      const { y, z } = await session.run({ x: { data: Float32Array.of(1, 10, 100), dims: [1, 3] } });
      expect([y, z].map((out) => Array.from(out?.data ?? [], Number))).toEqual([product(shift), product(shift)]);
      await session.release();
    }
  });

  it('may be in memory instead', async () => {
    const offsets = await weights('in-memory.bin', 3);
    const data = await readFile(path.join(folder, 'in-memory.bin'));
    const g = graph('nowhere.bin', offsets);
    const session = await Session.create(g, {
      device: 'cpu',
      threads: 1,
      memoryFiles: [{ path: 'nowhere.bin', data }],
    });
    const { y, z } = await session.run({ x: { data: Float32Array.of(1, 10, 100), dims: [1, 3] } });
    expect([y, z].map((out) => Array.from(out?.data ?? [], Number))).toEqual([product(3), product(3)]);
    await session.release();
  });

  it('that is missing or too short is an error', async () => {
    const offsets = await weights('short.bin', 1);
    const options = { device: 'cpu', threads: 1, weightFolder: folder } as const;
    await expect(Session.create(graph('absent.bin', offsets), options)).rejects.toThrow(/absent\.bin/);
    const beyond = { ...offsets, bfloat16: offsets.bfloat16 + 2 };
    await expect(Session.create(graph('short.bin', beyond), options)).rejects.toThrow(
      /bfloat16|short\.bin|bounds|length/i,
    );
  });
});
