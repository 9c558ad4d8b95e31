import { FLOAT_BYTES } from './float-conversion.ts';
import { readWeight } from './weights.ts';
import type { ModelWeights } from './weights.ts';

/**
 * Half-precision weights as float32 in memory, for the CPU, which has no half-precision matrix products. (Casts in the
 * graph would run at each step, and letting the runtime fold them at load takes ten times as long as this.)
 */
export interface WidenedWeights {
  /** The name that the graph's external data refers to; not a file. */
  readonly path: string;
  readonly data: Uint8Array;
  /** Byte range of each widened weight. */
  readonly places: ReadonlyMap<string, { readonly offset: number; readonly length: number }>;
}

const NAME = 'widened weights';

/** Reads and widens the weights named that are not float32 already. */
export async function widenWeights(weights: ModelWeights, names: readonly string[]): Promise<WidenedWeights> {
  const places = new Map<string, { offset: number; length: number }>();
  let size = 0;
  for (const name of names) {
    const tensor = weights.tensors.get(name);
    if (tensor === undefined || tensor.dtype === 'F32') continue;
    const length = (tensor.length / FLOAT_BYTES[tensor.dtype]) * FLOAT_BYTES.F32;
    places.set(name, { offset: size, length });
    size += length;
  }
  const data = new Uint8Array(size);
  for (const [name, { offset, length }] of places) {
    new Float32Array(data.buffer, offset, length / FLOAT_BYTES.F32).set(await readWeight(weights, name));
  }
  return { path: NAME, data, places };
}
