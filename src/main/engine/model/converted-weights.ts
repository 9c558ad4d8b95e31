import type { DType } from '../onnx/dtype.ts';
import { encodeFloats, FLOAT_BYTES } from './float-conversion.ts';
import type { FloatDtype } from './float-conversion.ts';
import { readWeight } from './weights.ts';
import type { ModelWeights } from './weights.ts';

/** The types that a graph computes in. */
export type ComputeType = 'float32' | 'bfloat16';

/** How safetensors calls them. */
export const FILE_TYPE = { float32: 'F32', bfloat16: 'BF16' } as const satisfies Record<ComputeType, FloatDtype>;

/**
 * Weights of another type than the graph computes in, converted in memory: half precision as float32 for the CPU, which
 * has no half-precision matrix products. (Casts in the graph would run at each step, and letting the runtime fold them at
 * load takes ten times as long as this.)
 */
export interface ConvertedWeights {
  /** The name that the graph's external data refers to; not a file. */
  readonly path: string;
  readonly dtype: DType;
  readonly data: Uint8Array;
  /** Byte range of each converted weight. */
  readonly places: ReadonlyMap<string, { readonly offset: number; readonly length: number }>;
}

const NAME = 'converted weights';

/** Reads and converts the weights named that are not of the type already. */
export async function convertWeights(
  weights: ModelWeights,
  names: readonly string[],
  dtype: ComputeType,
): Promise<ConvertedWeights> {
  const type = FILE_TYPE[dtype];
  const places = new Map<string, { offset: number; length: number }>();
  let size = 0;
  for (const name of names) {
    const tensor = weights.tensors.get(name);
    if (tensor === undefined || tensor.dtype === type) continue;
    const length = (tensor.length / FLOAT_BYTES[tensor.dtype]) * FLOAT_BYTES[type];
    places.set(name, { offset: size, length });
    size += length;
  }
  const data = new Uint8Array(size);
  for (const [name, { offset }] of places) data.set(encodeFloats(await readWeight(weights, name), type), offset);
  return { path: NAME, dtype, data, places };
}
