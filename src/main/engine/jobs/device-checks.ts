import { loadResidentModel } from '../resident/resident-model.ts';
import type { ResidentModel } from '../resident/resident-model.ts';
import type { ResidentOptions } from '../resident/resident-options.ts';
import { Graph } from '../onnx/graph.ts';
import * as o from '../onnx/ops.ts';
import { Session } from '../onnx/session.ts';
import type { Device, HostTensor } from '../onnx/session.ts';

/** What a check found. */
export interface CheckOutcome {
  readonly ok: boolean;
  readonly detail: string;
}

/** Relative error (L2) that each type may have against exact numbers: float32, and bfloat16 with its 8 bits. */
const TOLERANCE = { float32: 1e-5, bfloat16: 2e-2 } as const;
/** Of gradients of a whole model: measured on an H100, at most 2.4e-2 in bfloat16. */
const GRADIENT_TOLERANCE = { float32: 1e-4, bfloat16: 5e-2 } as const;

type Type = keyof typeof TOLERANCE;

const typeOn = (device: Device): Type => (device === 'cuda' ? 'bfloat16' : 'float32');

/** Numbers that bfloat16 holds exactly, so that only the computation can be off. */
function numbers(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => (((i * 37 + seed * 11) % 61) - 30) / 32);
}

/** |a - b| / |b| */
function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [difference, size] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    difference += ((a[i] ?? NaN) - (b[i] ?? NaN)) ** 2;
    size += (b[i] ?? NaN) ** 2;
  }
  return Math.sqrt(difference / size);
}

async function runOnce(graph: Graph, device: Device, feeds: Record<string, HostTensor>): Promise<Float32Array> {
  const session = await Session.create(graph, { device, threads: 1 });
  try {
    const result = (await session.run(feeds))['y']?.data;
    if (!(result instanceof Float32Array)) throw new Error('the check gives float32');
    return result;
  } finally {
    await session.release();
  }
}

/** A matrix product [64, 96] x [96, 32] against the same in float64: in float32 everywhere, in bfloat16 on CUDA too. */
export async function matrixProduct(device: Device): Promise<CheckOutcome> {
  const [n, inner, m] = [64, 96, 32];
  const [a, b] = [numbers(n * inner, 1), numbers(inner * m, 2)];
  const exact = Float64Array.from({ length: n * m }, (_, at) => {
    const [row, column] = [Math.floor(at / m), at % m];
    let sum = 0;
    for (let k = 0; k < inner; k++) sum += (a[row * inner + k] ?? 0) * (b[k * m + column] ?? 0);
    return sum;
  });
  const types: readonly Type[] = device === 'cuda' ? ['float32', 'bfloat16'] : ['float32'];
  const errors: [Type, number][] = [];
  for (const type of types) {
    const g = new Graph('matrix_product');
    const [x, w] = [g.input('a', 'float32', [n, inner]), g.input('b', 'float32', [inner, m])];
    const product = o.matmul(g, o.cast(g, x, type), o.cast(g, w, type));
    g.output(o.cast(g, product, 'float32'), 'y');
    const result = await runOnce(g, device, { a: { data: a, dims: [n, inner] }, b: { data: b, dims: [inner, m] } });
    errors.push([type, relativeError(result, exact)]);
  }
  return {
    ok: errors.every(([type, error]) => error <= TOLERANCE[type]),
    detail: errors.map(([type, error]) => `${type} off by ${error.toExponential(1)}`).join(', '),
  };
}

/** Grouped-query flash attention over 64 rows, causal, against the formula in float64. */
export async function flashAttentionCheck(device: Device): Promise<CheckOutcome> {
  const [rows, heads, kvHeads, width] = [64, 4, 2, 32];
  const type = typeOn(device);
  const shapes = { q: heads * width, k: kvHeads * width, v: kvHeads * width } as const;
  const q = numbers(rows * shapes.q, 3);
  const k = numbers(rows * shapes.k, 4);
  const v = numbers(rows * shapes.v, 5);
  const g = new Graph('flash_attention');
  const inputs = (['q', 'k', 'v'] as const).map((name) =>
    o.cast(g, g.input(name, 'float32', [1, rows, shapes[name]]), type),
  );
  const last = g.constant('int32', [rows - 1], [1]);
  const total = g.constant('int32', [rows], []);
  const attributes = { num_heads: heads, kv_num_heads: kvHeads };
  const [output] = g.ops('GroupQueryAttention', [...inputs, undefined, undefined, last, total], attributes, {
    outputs: 3,
  });
  if (output === undefined) throw new Error('attention has an output');
  g.output(o.cast(g, output, 'float32'), 'y');
  const tensor = (data: Float32Array): HostTensor => ({ data, dims: [1, rows, data.length / rows] });
  const result = await runOnce(g, device, { q: tensor(q), k: tensor(k), v: tensor(v) });

  const exact = new Float64Array(rows * shapes.q);
  for (let head = 0; head < heads; head++) {
    const kv = Math.floor((head * kvHeads) / heads);
    for (let row = 0; row < rows; row++) {
      const at = row * shapes.q + head * width;
      const scores = Array.from({ length: row + 1 }, (_, key) => {
        let dot = 0;
        for (let c = 0; c < width; c++) dot += (q[at + c] ?? 0) * (k[key * shapes.k + kv * width + c] ?? 0);
        return Math.exp(dot / Math.sqrt(width));
      });
      const sum = scores.reduce((x, y) => x + y, 0);
      for (let c = 0; c < width; c++) {
        exact[at + c] = scores.reduce((y, p, key) => y + (p / sum) * (v[key * shapes.v + kv * width + c] ?? 0), 0);
      }
    }
  }
  const error = relativeError(result, exact);
  return { ok: error <= TOLERANCE[type], detail: `${type} off by ${error.toExponential(1)}` };
}

/**
 * The gradient of a training step in the device's own way (flash attention, bfloat16 on CUDA) against the CPU's in float32.
 *
 * @param gradientOf one step's gradient [P]
 */
export async function trainingStep(
  modelDir: string,
  device: Device,
  gradientOf: (model: ResidentModel) => Promise<Float32Array>,
): Promise<CheckOutcome> {
  const options = { threads: 1, trainable: { kind: 'full' }, programs: ['gradients'] } as const;
  const gradient = async (more: Pick<ResidentOptions, 'device' | 'attention'>): Promise<Float32Array> => {
    const model = await loadResidentModel(modelDir, { ...options, ...more });
    try {
      return await gradientOf(model);
    } finally {
      await model.release();
    }
  };
  const error = relativeError(
    await gradient({ device, attention: 'flash' }),
    await gradient({ device: 'cpu', attention: 'blocks' }),
  );
  const type = typeOn(device);
  return {
    ok: error <= GRADIENT_TOLERANCE[type],
    detail: `gradient in ${type} with flash attention, off the CPU's by ${error.toExponential(1)}`,
  };
}
