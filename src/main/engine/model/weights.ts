import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { readFile, realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../../shared/errors.ts';
import type { ModelConfig } from './config.ts';
import { FLOAT_BYTES, decodeFloats } from './float-conversion.ts';
import type { FloatDtype } from './float-conversion.ts';
import { fileError, readJsonFile } from './json-file.ts';
import { openSafetensors, readBytes } from './safetensors.ts';
import type { SafetensorsFile } from './safetensors.ts';

/** Where a weight's values lie: `length` bytes of `path` from `offset`. */
export interface WeightTensor {
  /** Real path (links resolved) of the safetensors file. */
  readonly path: string;
  readonly dtype: FloatDtype;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly length: number;
}

/** The weights of a model folder: headers only, the values stay in the files. */
export interface ModelWeights {
  readonly dir: string;
  /** Hugging Face name -> place; exactly the tensors that the architecture needs (expectedTensors). */
  readonly tensors: ReadonlyMap<string, WeightTensor>;
  /** Names of further tensors in the files, which nothing reads. */
  readonly ignored: readonly string[];
  /** The safetensors files by name in the folder, with the needed tensors of each. */
  readonly shards: ReadonlyMap<string, readonly string[]>;
}

/** A linear layer: y = W x (+ bias), W stored as [outFeatures, inFeatures]. */
export interface LinearModule {
  /** 'model.layers.0.self_attn.q_proj' */
  readonly name: string;
  /** Layer number, and the name that PEFT's target_modules uses ('q_proj'). */
  readonly layer: number;
  readonly shortName: string;
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly bias: boolean;
}

const SINGLE_FILE = 'model.safetensors';
const INDEX_FILE = 'model.safetensors.index.json';

const indexFields = z.object({ weight_map: z.record(z.string(), z.string()) });

/** The seven linear layers of every decoder layer, in the order q, k, v, o, gate, up, down. */
export function linearModules(config: ModelConfig): LinearModule[] {
  const { hiddenSize: hidden, intermediateSize: mlp, headDim } = config;
  const query = config.numHeads * headDim;
  const keyValue = config.numKvHeads * headDim;
  const kinds = [
    ['self_attn.q_proj', hidden, query, config.qkvBias],
    ['self_attn.k_proj', hidden, keyValue, config.qkvBias],
    ['self_attn.v_proj', hidden, keyValue, config.qkvBias],
    ['self_attn.o_proj', query, hidden, config.outputBias],
    ['mlp.gate_proj', hidden, mlp, config.mlpBias],
    ['mlp.up_proj', hidden, mlp, config.mlpBias],
    ['mlp.down_proj', mlp, hidden, config.mlpBias],
  ] as const;
  return Array.from({ length: config.numLayers }, (_, layer) =>
    kinds.map(([kind, inFeatures, outFeatures, bias]) => {
      const shortName = kind.slice(kind.indexOf('.') + 1);
      return { name: `model.layers.${layer}.${kind}`, layer, shortName, inFeatures, outFeatures, bias };
    }),
  ).flat();
}

/** Every tensor that the architecture needs, in the order of the forward pass; a tied head is the embedding. */
export function expectedTensors(config: ModelConfig): { name: string; shape: number[] }[] {
  const { hiddenSize: hidden, headDim } = config;
  const linears = linearModules(config);
  const tensors = [{ name: 'model.embed_tokens.weight', shape: [config.vocabSize, hidden] }];
  for (let layer = 0; layer < config.numLayers; layer++) {
    const prefix = `model.layers.${layer}.`;
    const linear = (from: number, to: number): { name: string; shape: number[] }[] =>
      linears
        .slice(layer * 7 + from, layer * 7 + to)
        .flatMap(({ name, inFeatures, outFeatures, bias }) => [
          { name: `${name}.weight`, shape: [outFeatures, inFeatures] },
          ...(bias ? [{ name: `${name}.bias`, shape: [outFeatures] }] : []),
        ]);
    tensors.push({ name: `${prefix}input_layernorm.weight`, shape: [hidden] }, ...linear(0, 3));
    if (config.qkNorm) {
      tensors.push({ name: `${prefix}self_attn.q_norm.weight`, shape: [headDim] });
      tensors.push({ name: `${prefix}self_attn.k_norm.weight`, shape: [headDim] });
    }
    tensors.push(
      ...linear(3, 4),
      { name: `${prefix}post_attention_layernorm.weight`, shape: [hidden] },
      ...linear(4, 7),
    );
  }
  tensors.push({ name: 'model.norm.weight', shape: [hidden] });
  if (!config.tieWordEmbeddings) tensors.push({ name: 'lm_head.weight', shape: [config.vocabSize, hidden] });
  return tensors;
}

/**
 * Finds the weights of a Hugging Face folder (model.safetensors, or shards named by model.safetensors.index.json) and
 * checks that each tensor of the architecture is there with its shape and a floating-point type.
 * @throws UserError that names the folder or file, the tensor and both shapes
 */
export async function openWeights(dir: string, config: ModelConfig): Promise<ModelWeights> {
  const { files, fileOf } = await openShards(dir);
  const tensors = new Map<string, WeightTensor>();
  const shards = new Map<string, string[]>([...files.keys()].map((name) => [name, []]));
  for (const { name, shape } of expectedTensors(config)) {
    const shard = fileOf.get(name);
    const file = files.get(shard ?? '');
    if (shard === undefined || file === undefined) throw missingTensor(dir, name, shape, [...files.keys()]);
    tensors.set(name, checkTensor(file, name, shape));
    shards.get(shard)?.push(name);
  }
  return { dir, tensors, ignored: [...fileOf.keys()].filter((name) => !tensors.has(name)), shards };
}

/** Values of one weight [product of its shape] as float32. */
export async function readWeight(weights: ModelWeights, name: string): Promise<Float32Array> {
  const tensor = weights.tensors.get(name);
  if (tensor === undefined) throw new Error(`no weight ${name}`);
  return decodeFloats(await readBytes(tensor.path, tensor.offset, tensor.length), tensor.dtype);
}

/**
 * SHA-256 (hex) that identifies a model: config.json, every safetensors header and file size, and samples of the
 * contents (4 KiB at 16 evenly spread places of each file). Depends on no path, date or machine.
 */
export async function weightsFingerprint(dir: string): Promise<string> {
  const hash = createHash('sha256');
  const configFile = join(dir, 'config.json');
  const config = await readFile(configFile).catch((error: unknown) => {
    throw fileError(configFile, error);
  });
  hash.update('config.json').update(lengthPrefixed(config));
  await addTensors(hash, dir);
  return hash.digest('hex');
}

/** As `weightsFingerprint`, of the weights alone: the same for a copy whose config.json was changed. */
export async function tensorsFingerprint(dir: string): Promise<string> {
  const hash = createHash('sha256');
  await addTensors(hash, dir);
  return hash.digest('hex');
}

async function addTensors(hash: Hash, dir: string): Promise<void> {
  const { files } = await openShards(dir);
  for (const name of [...files.keys()].sort()) {
    const file = files.get(name) as SafetensorsFile; // of the map's own keys
    hash.update(lengthPrefixed(Buffer.from(name))).update(lengthPrefixed(Buffer.from(file.header)));
    hash.update(String(file.size));
    const start = 8 + Buffer.byteLength(file.header);
    const piece = Math.min(4096, file.size - start);
    for (let i = 0; i < 16; i++) {
      hash.update(await readBytes(file.path, start + Math.floor(((file.size - start - piece) * i) / 15), piece));
    }
  }
}

function lengthPrefixed(bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length}:`), bytes]);
}

interface Shards {
  /** Name in the folder -> header. */
  readonly files: ReadonlyMap<string, SafetensorsFile>;
  /** Tensor -> name in the folder. */
  readonly fileOf: ReadonlyMap<string, string>;
}

/** The single file goes before an index, as in transformers. */
async function openShards(dir: string): Promise<Shards> {
  const single = join(dir, SINGLE_FILE);
  if (await exists(single)) {
    const file = await openSafetensors(await realpath(single));
    return {
      files: new Map([[SINGLE_FILE, file]]),
      fileOf: new Map([...file.tensors.keys()].map((name) => [name, SINGLE_FILE])),
    };
  }
  const indexFile = join(dir, INDEX_FILE);
  if (!(await exists(indexFile))) {
    throw new UserError('not_found', `${dir} has neither ${SINGLE_FILE} nor ${INDEX_FILE}.`, {
      hint: 'Choose a folder with weights in safetensors format; .bin and GGUF files are not read.',
      place: { file: dir },
    });
  }
  const { weight_map: map } = await readJsonFile(indexFile, indexFields);
  const files = new Map<string, SafetensorsFile>();
  for (const name of [...new Set(Object.values(map))].sort()) {
    if (name !== basename(name) || !name.endsWith('.safetensors')) {
      throw indexError(indexFile, `it names "${name}", which is not a safetensors file of this folder`);
    }
    const path = join(dir, name);
    if (!(await exists(path))) throw indexError(indexFile, `it names the file "${name}", which does not exist`);
    files.set(name, await openSafetensors(await realpath(path)));
  }
  for (const [tensor, name] of Object.entries(map)) {
    if (!files.get(name)?.tensors.has(tensor)) {
      throw indexError(indexFile, `"${name}" does not hold the tensor "${tensor}"`);
    }
  }
  return { files, fileOf: new Map(Object.entries(map)) };
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function checkTensor(file: SafetensorsFile, name: string, shape: readonly number[]): WeightTensor {
  const tensor = file.tensors.get(name);
  if (tensor === undefined) throw new Error(`${file.path} does not hold ${name}`);
  if (tensor.shape.join() !== shape.join()) {
    throw new UserError(
      'invalid_input',
      `${file.path}: the tensor "${name}" has the shape [${tensor.shape.join(', ')}], but config.json asks for [${shape.join(', ')}].`,
      { hint: 'config.json and the weights must come from the same model.', place: { file: file.path, field: name } },
    );
  }
  if (!Object.hasOwn(FLOAT_BYTES, tensor.dtype)) {
    throw new UserError('unsupported', `${file.path}: the tensor "${name}" holds ${tensor.dtype} values.`, {
      hint: 'Choose the original model in bfloat16, float16 or float32.',
      place: { file: file.path, field: name },
    });
  }
  const { offset, length } = tensor;
  return { path: file.path, dtype: tensor.dtype as FloatDtype, shape, offset, length };
}

function missingTensor(dir: string, name: string, shape: readonly number[], files: readonly string[]): UserError {
  return new UserError(
    'invalid_input',
    `${dir}: the tensor "${name}" [${shape.join(', ')}] is missing from ${files.join(', ')}.`,
    {
      hint: 'config.json and the weights must come from the same model; download both again.',
      place: { file: dir, field: name },
    },
  );
}

function indexError(indexFile: string, problem: string): UserError {
  return new UserError('invalid_input', `${indexFile}: ${problem}.`, {
    hint: 'Download the missing file, or the whole model again.',
    place: { file: indexFile, field: 'weight_map' },
  });
}
