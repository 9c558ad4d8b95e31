import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../../shared/errors.ts';
import type { ModelConfig } from './config.ts';
import { INT4_BLOCK, quantizeInt4 } from './int4.ts';
import { openSafetensors, readBytes, writeSafetensors } from './safetensors.ts';
import type { SafetensorsFile } from './safetensors.ts';
import { decodeFloats, FLOAT_BYTES } from './float-conversion.ts';
import { linearModules, weightsFingerprint } from './weights.ts';
import type { LinearModule, ModelWeights, WeightTensor } from './weights.ts';

/** A byte range of a file. */
interface Range {
  readonly offset: number;
  readonly length: number;
}

/** Where a linear layer's 4-bit weight [out, in] lies. */
export interface Int4Weight {
  readonly path: string;
  readonly outFeatures: number;
  readonly inFeatures: number;
  /** uint8 [out, in / 2] */
  readonly packed: Range;
  /** bfloat16 [out, in / 32] */
  readonly scales: Range;
}

/** The 4-bit weights of all linear layers of the decoder, by the name of the weight that each stands for. */
export type Int4Weights = ReadonlyMap<string, Int4Weight>;

export interface Int4Options {
  /** Folder of all converted weights; each model has a folder of its own below. Made where it is missing. */
  readonly folder: string;
  /** Numbers of the layers to convert, default all: several processes can share the work. */
  readonly only?: readonly number[];
  readonly signal?: AbortSignal;
  /** Told before and after each layer that is not there yet. */
  readonly onProgress?: (layers: number, total: number) => void;
}

/** Values read and rounded at a time. */
const PIECE = 2 ** 22;
/** Part of the folder's name: another way of rounding gives other weights. */
const VERSION = `int4-b${INT4_BLOCK}-v1`;

/** What tells 4-bit weights from others where results are kept: log-probabilities differ between them. */
export const INT4_NAME = VERSION;

/**
 * Rounds the weights of the linear layers to 4 bits, or finds what an earlier call has left: one safetensors file a layer,
 * in a folder named after the model's fingerprint. A layer's file appears as a whole, so an interrupted conversion goes on
 * with the first missing layer. Holds one layer's 4-bit weights in memory, and a piece of what is read.
 * @throws UserError for a width that is no multiple of 32 and for values that are not numbers, naming file and tensor;
 *   cancelled when the signal is aborted; no_space and the like where the folder cannot be written
 */
export async function openInt4Weights(
  weights: ModelWeights,
  config: ModelConfig,
  { folder, only, signal, onProgress }: Int4Options,
): Promise<Int4Weights> {
  const fingerprint = await weightsFingerprint(weights.dir);
  const dir = join(folder, `${fingerprint.slice(0, 32)}-${VERSION}`);
  await mkdir(dir, { recursive: true });
  const modules = linearModules(config);
  for (const module of modules) checkWidth(tensorOf(weights, module), module);
  const found = new Map<string, Int4Weight>();
  for (const layer of only ?? Array.from({ length: config.numLayers }, (_, i) => i)) {
    if (signal?.aborted) throw new UserError('cancelled', 'The conversion to 4 bits was stopped.');
    const own = modules.filter((module) => module.layer === layer);
    const path = join(dir, `layer-${String(layer).padStart(5, '0')}.safetensors`);
    let file = await existing(path, own, fingerprint);
    if (file === undefined) {
      onProgress?.(layer, config.numLayers);
      file = await convert(path, weights, own, fingerprint);
      onProgress?.(layer + 1, config.numLayers);
    }
    for (const module of own) found.set(weightName(module), place(file, module));
  }
  return found;
}

/** The scales of a weight [out * in / 32] as float32. */
export async function readInt4Scales({ path, scales }: Int4Weight): Promise<Float32Array> {
  return decodeFloats(await readBytes(path, scales.offset, scales.length), 'BF16');
}

const weightName = ({ name }: LinearModule): string => `${name}.weight`;
const packedName = ({ name }: LinearModule): string => `${name}.packed`;
const scalesName = ({ name }: LinearModule): string => `${name}.scales`;

function tensorOf(weights: ModelWeights, module: LinearModule): WeightTensor {
  const tensor = weights.tensors.get(weightName(module));
  if (tensor === undefined) throw new Error(`no weight named ${weightName(module)}`);
  return tensor;
}

/** A file that is as this version would write it; anything else is written anew. */
async function existing(
  path: string,
  modules: readonly LinearModule[],
  fingerprint: string,
): Promise<SafetensorsFile | undefined> {
  const file = await openSafetensors(path).catch((error: unknown) => {
    if (error instanceof UserError) return undefined;
    throw error;
  });
  const fits = (name: string, dtype: string, ...shape: number[]): boolean => {
    const tensor = file?.tensors.get(name);
    return tensor?.dtype === dtype && tensor.shape.join() === shape.join();
  };
  const whole =
    file?.metadata['fingerprint'] === fingerprint &&
    file.metadata['format'] === VERSION &&
    modules.every(
      (module) =>
        fits(packedName(module), 'U8', module.outFeatures, module.inFeatures / 2) &&
        fits(scalesName(module), 'BF16', module.outFeatures, module.inFeatures / INT4_BLOCK),
    );
  return whole ? { ...file, path: await realpath(path) } : undefined;
}

async function convert(
  path: string,
  weights: ModelWeights,
  modules: readonly LinearModule[],
  fingerprint: string,
): Promise<SafetensorsFile> {
  const tensors: Parameters<typeof writeSafetensors>[1] extends Iterable<infer Tensor> ? Tensor[] : never = [];
  for (const module of modules) {
    const { outFeatures, inFeatures } = module;
    const { packed, scales } = await quantizeTensor(tensorOf(weights, module), module);
    tensors.push(
      { name: packedName(module), dtype: 'U8', shape: [outFeatures, inFeatures / 2], data: packed },
      { name: scalesName(module), dtype: 'BF16', shape: [outFeatures, inFeatures / INT4_BLOCK], data: scales },
    );
  }
  await writeSafetensors(path, tensors, { format: VERSION, fingerprint });
  return openSafetensors(await realpath(path));
}

async function quantizeTensor(
  { path, dtype, offset }: WeightTensor,
  module: LinearModule,
): Promise<{ packed: Uint8Array; scales: Float32Array }> {
  const count = module.outFeatures * module.inFeatures;
  const packed = new Uint8Array(count / 2);
  const scales = new Float32Array(count / INT4_BLOCK);
  for (let at = 0; at < count; at += PIECE) {
    const size = Math.min(PIECE, count - at);
    const bytes = await readBytes(path, offset + at * FLOAT_BYTES[dtype], size * FLOAT_BYTES[dtype]);
    const piece = quantized(decodeFloats(bytes, dtype), path, weightName(module));
    packed.set(piece.packed, at / 2);
    scales.set(piece.scales, at / INT4_BLOCK);
  }
  return { packed, scales };
}

function quantized(values: Float32Array, path: string, name: string): ReturnType<typeof quantizeInt4> {
  try {
    return quantizeInt4(values);
  } catch (error) {
    throw new UserError('invalid_input', `${path}: the tensor "${name}" holds values that are not numbers.`, {
      hint: 'Download the model again.',
      place: { file: path, field: name },
      cause: error,
    });
  }
}

function checkWidth({ path }: WeightTensor, module: LinearModule): void {
  if (module.inFeatures % INT4_BLOCK === 0) return;
  const name = weightName(module);
  throw new UserError(
    'unsupported',
    `${path}: the tensor "${name}" is ${module.inFeatures} wide; 4-bit weights need a multiple of ${INT4_BLOCK}.`,
    { hint: 'Use the weights in their own precision.', place: { file: path, field: name } },
  );
}

function place(file: SafetensorsFile, module: LinearModule): Int4Weight {
  const range = (name: string): Range => {
    const tensor = file.tensors.get(name);
    if (tensor === undefined) throw new Error(`${file.path} does not hold ${name}`);
    return { offset: tensor.offset, length: tensor.length };
  };
  const { outFeatures, inFeatures } = module;
  const [packed, scales] = [range(packedName(module)), range(scalesName(module))];
  return { path: file.path, outFeatures, inFeatures, packed, scales };
}
