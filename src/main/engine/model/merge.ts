import { randomBytes } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { UserError } from '../../../shared/errors.ts';
import { asWriteError, writeFileAtomic } from '../../files/atomic-write.ts';
import type { ModelConfig } from './config.ts';
import type { FloatDtype } from './float-conversion.ts';
import { exactNumber, parseExactJson, stringifyExactJson } from './json-exact.ts';
import { loraTensorName, tensorOf } from './parameters.ts';
import type { ParameterLayout } from './parameters.ts';
import { withRopeTheta } from './rope-config.ts';
import { readBytes, writeSafetensors, WRITTEN_BYTES } from './safetensors.ts';
import type { TensorToWrite } from './safetensors.ts';
import { linearModules, readWeight } from './weights.ts';
import type { LinearModule, ModelWeights, WeightTensor } from './weights.ts';

/** Names as in config.json's torch_dtype. */
export type ExportDtype = 'float32' | 'bfloat16' | 'float16';

export interface MergeInput {
  /** Folder of the base model, for its config.json, tokenizer and licence files. */
  readonly sourceDir: string;
  readonly config: ModelConfig;
  readonly weights: ModelWeights;
  /** The trained parameters: a LoRA adapter to merge, or all weights. */
  readonly layout: ParameterLayout;
  readonly vector: Float32Array;
  /**
   * How much of what was learned goes in: base + scale * (trained - base), as with task vectors (arXiv 2212.04089).
   * 1 (the default) is the trained model, 0 the base, bit for bit where the type is kept; other numbers trade skill for
   * retention, or overshoot. The RoPE base is written whatever the scale.
   */
  readonly scale?: number;
  /** `keep` (the default) writes every tensor in its own type. */
  readonly dtype?: 'keep' | ExportDtype;
  /** RoPE base that the model was trained with; left out, config.json keeps its own. */
  readonly ropeTheta?: number;
  readonly onProgress?: (tensorsWritten: number, tensors: number) => void;
}

const EXPORT_DTYPES: Readonly<Record<ExportDtype, FloatDtype>> = { float32: 'F32', bfloat16: 'BF16', float16: 'F16' };

const TOKENIZER_FILES: ReadonlySet<string> = new Set([
  ...['tokenizer.json', 'tokenizer_config.json', 'tokenizer.model', 'special_tokens_map.json', 'added_tokens.json'],
  ...['vocab.json', 'vocab.txt', 'merges.txt', 'chat_template.json', 'chat_template.jinja', 'generation_config.json'],
]);
/** Licences ask to travel with the weights. */
const LICENCE_FILE = /^(licen[cs]e|notice|use_policy)/i;

/**
 * Writes a Hugging Face model folder with the trained parameters in it: weights sharded as the source, config.json,
 * tokenizer, generation and licence files. What was learned is added in float64 (W + scale * B A) and then rounded. The folder
 * appears whole or not at all.
 * @param dir must not exist, or be empty
 * @throws UserError conflict where `dir` has files; no_space; not_found where the parent is missing
 */
export async function exportMergedModel(dir: string, input: MergeInput): Promise<void> {
  await refuseUsedFolder(dir);
  const temporary = join(dirname(resolve(dir)), `.${basename(resolve(dir))}.${randomBytes(6).toString('hex')}.partial`);
  const attempt = <T>(action: Promise<T>): Promise<T> =>
    action.catch((error: unknown) => {
      throw asWriteError(dir, error);
    });
  await attempt(mkdir(temporary));
  try {
    await writeWeights(temporary, input);
    await writeConfig(temporary, input);
    await copyCompanions(temporary, input.sourceDir);
    await rmdir(dir).catch(() => undefined); // an empty folder is in the way of the rename on Windows
    await attempt(rename(temporary, dir));
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

/**
 * W + scale * B A of one linear layer, summed in float64 and rounded once.
 * @param weight W [outFeatures, inFeatures] @param a [rank, inFeatures] @param b [outFeatures, rank]
 */
export function mergedWeight(
  weight: Float32Array,
  a: Float32Array,
  b: Float32Array,
  rank: number,
  scale: number,
): Float32Array {
  const inFeatures = a.length / rank;
  const merged = new Float32Array(weight.length);
  const row = new Float64Array(inFeatures);
  for (let out = 0; out < weight.length / inFeatures; out++) {
    row.fill(0);
    for (let r = 0; r < rank; r++) {
      const factor = b[out * rank + r] as number;
      const start = r * inFeatures;
      for (let i = 0; i < inFeatures; i++) row[i] = (row[i] as number) + factor * (a[start + i] as number);
    }
    const start = out * inFeatures;
    for (let i = 0; i < inFeatures; i++) merged[start + i] = (weight[start + i] as number) + scale * (row[i] as number);
  }
  return merged;
}

async function writeWeights(dir: string, input: MergeInput): Promise<void> {
  const { weights, dtype = 'keep' } = input;
  const modules = new Map(linearModules(input.config).map((module) => [`${module.name}.weight`, module]));
  let written = 0;
  const toWrite = (name: string): TensorToWrite => {
    const tensor = weights.tensors.get(name);
    if (tensor === undefined) throw new Error(`no weight ${name}`);
    const target = dtype === 'keep' ? tensor.dtype : EXPORT_DTYPES[dtype];
    const data = async (): Promise<Float32Array | Uint8Array> => {
      const values = await trainedValues(input, name, tensor, target, modules.get(name));
      input.onProgress?.(++written, weights.tensors.size);
      return values;
    };
    return { name, shape: tensor.shape, dtype: target, data };
  };

  const shards = [...weights.shards].filter(([, names]) => names.length > 0);
  const weightMap = new Map<string, string>();
  let totalSize = 0;
  for (const [shard, names] of shards) {
    const tensors = names.map(toWrite);
    await writeSafetensors(join(dir, shard), tensors);
    for (const tensor of tensors) {
      weightMap.set(tensor.name, shard);
      totalSize += WRITTEN_BYTES[tensor.dtype] * tensor.shape.reduce((product, dimension) => product * dimension, 1);
    }
  }
  if (weights.shards.size === 1 && weights.shards.has('model.safetensors')) return;
  const index = {
    metadata: { total_size: totalSize },
    weight_map: Object.fromEntries([...weightMap].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
  await writeFileAtomic(join(dir, 'model.safetensors.index.json'), `${JSON.stringify(index, null, 2)}\n`);
}

/** A weight after training: float32 values, or its bytes where neither the values nor the type change. */
async function trainedValues(
  input: MergeInput,
  name: string,
  tensor: WeightTensor,
  target: FloatDtype,
  module: LinearModule | undefined,
): Promise<Float32Array | Uint8Array> {
  const { layout, vector, weights, scale: given = 1 } = input;
  if (layout.lora === undefined && given === 1) return tensorOf(layout, vector, name);
  const a = module && loraTensorName(module.name, 'A');
  const trained = layout.lora === undefined ? name : a;
  if (given === 0 || !layout.tensors.some((candidate) => candidate.name === trained)) {
    return target === tensor.dtype ? readBytes(tensor.path, tensor.offset, tensor.length) : readWeight(weights, name);
  }
  if (layout.lora === undefined) {
    const end = tensorOf(layout, vector, name);
    const start = await readWeight(weights, name);
    return start.map((value, i) => value + given * ((end[i] ?? NaN) - value));
  }
  if (module === undefined) throw new Error(`${name} is not the weight of a linear layer`);
  const { rank, scale } = layout.lora;
  const side = (which: 'A' | 'B'): Float32Array => tensorOf(layout, vector, loraTensorName(module.name, which));
  return mergedWeight(await readWeight(weights, name), side('A'), side('B'), rank, given * scale);
}

async function writeConfig(dir: string, input: MergeInput): Promise<void> {
  const source = parseExactJson(await readFile(join(input.sourceDir, 'config.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  let config: Readonly<Record<string, unknown>> = source;
  if (input.ropeTheta !== undefined) config = withRopeTheta(config, exactNumber(input.ropeTheta));
  if (input.dtype !== undefined && input.dtype !== 'keep') {
    config = { ...config, [config['dtype'] === undefined ? 'torch_dtype' : 'dtype']: input.dtype };
  }
  await writeFileAtomic(join(dir, 'config.json'), `${stringifyExactJson(config)}\n`);
}

async function copyCompanions(dir: string, sourceDir: string): Promise<void> {
  for (const name of await readdir(sourceDir)) {
    if (!TOKENIZER_FILES.has(name) && !LICENCE_FILE.test(name)) continue;
    await writeFileAtomic(join(dir, name), await readFile(join(sourceDir, name)));
  }
}

async function refuseUsedFolder(dir: string): Promise<void> {
  const stats = await stat(dir).catch(() => undefined);
  if (stats === undefined) return;
  if (stats.isDirectory() && (await readdir(dir)).length === 0) return;
  throw new UserError('conflict', `${dir} ${stats.isDirectory() ? 'already has files in it' : 'is a file'}.`, {
    hint: 'Choose a new or an empty folder for the merged model.',
    place: { file: dir },
  });
}
