import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { UserError } from '../../../shared/errors.ts';
import type { ModelConfig } from './config.ts';
import { expectedTensors, linearModules, readWeight } from './weights.ts';
import type { LinearModule, ModelWeights } from './weights.ts';

/** One trainable tensor inside the flat vector. */
export interface ParameterTensor {
  /** Its name in the file that others read: PEFT's for LoRA, Hugging Face's for full weights. */
  readonly name: string;
  /** Row-major. */
  readonly shape: readonly number[];
  /** First element in the vector, and number of elements. */
  readonly offset: number;
  readonly size: number;
}

export interface LoraSettings {
  readonly rank: number;
  readonly alpha: number;
  readonly rslora: boolean;
  /** Short names of the adapted linear layers ('q_proj'), in the order of linearModules. */
  readonly targets: readonly string[];
  /** The forward pass is W x + scale * B A x: alpha / rank, or alpha / sqrt(rank) for rsLoRA. */
  readonly scale: number;
  /** Numbers of the layers that have any adapted module; left out where all have (PEFT's layers_to_transform). */
  readonly layers?: readonly number[];
}

/** How all trainable parameters lie in one float32 vector [total]. */
export interface ParameterLayout {
  readonly kind: 'lora' | 'full';
  readonly tensors: readonly ParameterTensor[];
  readonly total: number;
  readonly lora?: LoraSettings;
}

/** What a person chooses of LoRA; the scale follows. */
export type LoraChoice = Omit<LoraSettings, 'scale' | 'layers'>;

/** alpha / rank; rsLoRA (Kalajdzievski 2023): alpha / sqrt(rank). */
export function loraScale(choice: Pick<LoraSettings, 'rank' | 'alpha' | 'rslora'>): number {
  return choice.alpha / (choice.rslora ? Math.sqrt(choice.rank) : choice.rank);
}

/** PEFT's file name of a module's A [rank, inFeatures] or B [outFeatures, rank]. */
export function loraTensorName(module: string, side: 'A' | 'B'): string {
  return `base_model.model.${module}.lora_${side}.weight`;
}

/**
 * The layout of a LoRA adapter on the target modules of all layers: by layer, then q, k, v, o, gate, up, down, A before
 * B.
 * @throws UserError for a rank, an alpha or a target that cannot be
 */
export function loraLayout(config: ModelConfig, choice: LoraChoice): ParameterLayout {
  const modules = linearModules(config);
  const unknown = choice.targets.find((target) => !modules.some((module) => module.shortName === target));
  if (unknown !== undefined) throw badChoice('targets', `"${unknown}" is not a linear layer of this model`);
  const chosen = modules.filter((module) => choice.targets.includes(module.shortName));
  return loraLayoutOf(config, chosen, choice);
}

/** loraLayout for any set of modules, in the order given (adapters that leave layers out). */
export function loraLayoutOf(
  config: ModelConfig,
  modules: readonly LinearModule[],
  choice: Omit<LoraChoice, 'targets'>,
): ParameterLayout {
  const { rank, alpha, rslora } = choice;
  if (!Number.isInteger(rank) || rank < 1) throw badChoice('rank', `${rank} is not a whole number of at least 1`);
  if (!(alpha > 0) || !Number.isFinite(alpha)) throw badChoice('alpha', `${alpha} is not a positive number`);
  if (modules.length === 0) throw badChoice('targets', 'no layer is chosen');
  const shapes = modules.flatMap(({ name, inFeatures, outFeatures }) => [
    { name: loraTensorName(name, 'A'), shape: [rank, inFeatures] },
    { name: loraTensorName(name, 'B'), shape: [outFeatures, rank] },
  ]);
  const targets = [...new Set(modules.map((module) => module.shortName))];
  const layers = [...new Set(modules.map((module) => module.layer))];
  const subset = layers.length < config.numLayers ? { layers } : {};
  return { kind: 'lora', ...lay(shapes), lora: { rank, alpha, rslora, targets, scale: loraScale(choice), ...subset } };
}

/** The layout of all weights under their Hugging Face names, a tied embedding once (as model.embed_tokens.weight). */
export function fullLayout(config: ModelConfig): ParameterLayout {
  return { kind: 'full', ...lay(expectedTensors(config)) };
}

/**
 * Start of a LoRA adapter as PEFT: A uniform in +-1 / sqrt(inFeatures) (kaiming_uniform with a = sqrt(5)), B zero.
 * The same seed gives the same vector on every machine.
 */
export function initialLora(layout: ParameterLayout, seed: number): Float32Array {
  const vector = new Float32Array(layout.total);
  const generator = xoroshiro128plus(seed);
  for (const { name, shape, offset, size } of layout.tensors) {
    if (!name.endsWith('.lora_A.weight')) continue;
    const bound = 1 / Math.sqrt(shape[1] as number); // A is [rank, inFeatures]
    for (let i = 0; i < size; i++) vector[offset + i] = (2 * uniformFloat64(generator) - 1) * bound;
  }
  return vector;
}

/** The model's own weights as a full vector [total], float32. */
export async function initialFull(layout: ParameterLayout, weights: ModelWeights): Promise<Float32Array> {
  const vector = new Float32Array(layout.total);
  for (const { name, offset } of layout.tensors) vector.set(await readWeight(weights, name), offset);
  return vector;
}

/** The elements of one tensor [size], a view into the vector. */
export function tensorOf(layout: ParameterLayout, vector: Float32Array, name: string): Float32Array {
  const tensor = layout.tensors.find((candidate) => candidate.name === name);
  if (tensor === undefined) throw new Error(`the layout has no tensor ${name}`);
  if (vector.length !== layout.total)
    throw new Error(`a vector of ${vector.length} elements, ${layout.total} expected`);
  return vector.subarray(tensor.offset, tensor.offset + tensor.size);
}

function lay(
  shapes: readonly { name: string; shape: readonly number[] }[],
): Pick<ParameterLayout, 'tensors' | 'total'> {
  let total = 0;
  const tensors = shapes.map(({ name, shape }) => {
    const size = shape.reduce((product, dimension) => product * dimension, 1);
    total += size;
    return { name, shape, offset: total - size, size };
  });
  return { tensors, total };
}

function badChoice(field: string, problem: string): UserError {
  return new UserError('invalid_input', `The LoRA setting "${field}" is not usable: ${problem}.`, {
    hint: 'Change it in the run configuration.',
    place: { field },
  });
}
