import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../../shared/errors.ts';
import { asWriteError, writeFileAtomic } from '../../files/atomic-write.ts';
import type { ModelConfig } from './config.ts';
import { checkJson, readJsonFile } from './json-file.ts';
import { loraLayoutOf, loraTensorName, tensorOf } from './parameters.ts';
import type { LoraSettings, ParameterLayout } from './parameters.ts';
import { openSafetensors, readTensor, writeSafetensors } from './safetensors.ts';
import type { SafetensorsFile } from './safetensors.ts';
import { linearModules } from './weights.ts';
import type { LinearModule } from './weights.ts';

const CONFIG_FILE = 'adapter_config.json';
const WEIGHTS_FILE = 'adapter_model.safetensors';

/**
 * Fields of PEFT's LoraConfig that do not change what the adapter computes, or that readAdapter handles. Any other field
 * that is set belongs to a feature that the engine does not compute, known today or not.
 */
const HANDLED_FIELDS: ReadonlySet<string> = new Set([
  ...['peft_type', 'task_type', 'r', 'lora_alpha', 'use_rslora', 'bias', 'init_lora_weights'],
  ...['target_modules', 'exclude_modules', 'layers_to_transform', 'layers_pattern'],
  ...['auto_mapping', 'base_model_name_or_path', 'revision', 'peft_version', 'inference_mode', 'lora_dropout'],
  // No effect on Linear layers, only with other features, or only on the start values.
  ...['fan_in_fan_out', 'ensure_weight_tying', 'megatron_core', 'qalora_group_size'],
  ...['eva_config', 'corda_config', 'lora_ga_config'],
]);

/** Start values that leave the base weights alone (PiSSA, OLoRA, LoftQ, CorDA and LoRA-GA change them). */
const PLAIN_STARTS: readonly unknown[] = [undefined, null, true, false, 'gaussian', 'eva', 'orthogonal'];

const adapterFields = z.object({
  r: z.int().positive().max(65536),
  lora_alpha: z.number().positive(),
  use_rslora: z.boolean().nullish(),
  target_modules: z.union([z.string(), z.array(z.string())]).nullish(),
  exclude_modules: z.union([z.string(), z.array(z.string())]).nullish(),
  layers_to_transform: z.union([z.int(), z.array(z.int())]).nullish(),
  base_model_name_or_path: z.string().nullish(),
});
type AdapterFields = z.infer<typeof adapterFields>;

/** An adapter as the engine uses it. */
export interface Adapter {
  readonly layout: ParameterLayout;
  /** [layout.total] */
  readonly vector: Float32Array;
  /** What adapter_config.json says of the model that it was trained on. */
  readonly baseModel: string | null;
}

/**
 * Reads a PEFT LoRA folder (adapter_config.json, adapter_model.safetensors) for a model. Which layers it adapts follows
 * from its tensors.
 * @throws UserError unsupported for other kinds of adapter and for LoRA features that the engine does not compute;
 *   invalid_input for tensors that are missing, unknown or of another shape. Each names the file and field or tensor.
 */
export async function readAdapter(dir: string, config: ModelConfig): Promise<Adapter> {
  const configFile = join(dir, CONFIG_FILE);
  const raw = await readJsonFile(configFile, z.record(z.string(), z.unknown()));
  refuseFeatures(configFile, raw);
  const fields = checkJson(configFile, raw, adapterFields);
  const file = await openAdapterFile(dir);

  const linears = linearModules(config);
  const modules = linears.filter(
    ({ name }) => file.tensors.has(loraTensorName(name, 'A')) || file.tensors.has(loraTensorName(name, 'B')),
  );
  refuseUnknownTensors(file, modules);
  const absent = linears.find((module) => isTarget(fields, module) && !modules.includes(module));
  if (absent !== undefined) throw badTensor(file, loraTensorName(absent.name, 'A'), 'is missing');

  const layout = loraLayoutOf(config, modules, {
    rank: fields.r,
    alpha: fields.lora_alpha,
    rslora: fields.use_rslora ?? false,
  });
  const vector = new Float32Array(layout.total);
  for (const { name, shape, offset } of layout.tensors) {
    const found = file.tensors.get(name)?.shape;
    if (found === undefined) throw badTensor(file, name, 'is missing');
    if (found.join() !== shape.join()) {
      throw badTensor(
        file,
        name,
        `has the shape [${found.join(', ')}], the model and the rank ask for [${shape.join(', ')}]`,
      );
    }
    vector.set(await readTensor(file, name), offset);
  }
  return { layout, vector, baseModel: fields.base_model_name_or_path ?? null };
}

/**
 * Writes a LoRA adapter as PEFT's save_pretrained does; `PeftModel.from_pretrained(model, dir)` loads it. The folder is
 * made where it does not exist; the two files are replaced.
 * @param adapter.layout of the kind lora
 * @param adapter.baseModel name or path of the base model, as it shall stand in adapter_config.json
 * @param adapter.basePrecision precision of the base that it was trained on, where it was not the model's own: goes into the
 *   metadata of adapter_model.safetensors as base_precision
 */
export async function writeAdapter(
  dir: string,
  adapter: {
    readonly layout: ParameterLayout;
    readonly vector: Float32Array;
    readonly baseModel: string;
    readonly basePrecision?: string;
  },
): Promise<void> {
  const { layout, vector, baseModel, basePrecision } = adapter;
  if (layout.lora === undefined) throw new Error('writeAdapter needs a LoRA layout');
  await mkdir(dir, { recursive: true }).catch((error: unknown) => {
    throw asWriteError(dir, error);
  });
  await writeSafetensors(
    join(dir, WEIGHTS_FILE),
    layout.tensors.map(({ name, shape }) => ({ name, shape, dtype: 'F32', data: tensorOf(layout, vector, name) })),
    // Not in adapter_config.json: PEFT refuses fields that it does not know.
    { format: 'pt', ...(basePrecision === undefined ? {} : { base_precision: basePrecision }) },
  );
  const config = adapterConfig(layout, layout.lora, baseModel);
  await writeFileAtomic(join(dir, CONFIG_FILE), `${JSON.stringify(config, null, 2)}\n`);
}

/** Only fields that PEFT has had for years: old releases refuse fields that they do not know. */
function adapterConfig(layout: ParameterLayout, lora: LoraSettings, baseModel: string): Record<string, unknown> {
  return {
    alpha_pattern: {},
    auto_mapping: null,
    base_model_name_or_path: baseModel,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    layers_pattern: null,
    lora_alpha: lora.alpha,
    lora_dropout: 0.0,
    modules_to_save: null,
    peft_type: 'LORA',
    r: lora.rank,
    rank_pattern: {},
    revision: null,
    task_type: 'CAUSAL_LM',
    use_dora: false,
    use_rslora: lora.rslora,
    ...targetFields(layout, lora),
  };
}

/**
 * target_modules and layers_to_transform. Short names (and layer numbers) where every target is adapted in the same
 * layers, else the full name of each module.
 */
function targetFields(layout: ParameterLayout, lora: LoraSettings): Record<string, unknown> {
  const modules = layout.tensors
    .filter(({ name }) => name.endsWith('.lora_A.weight'))
    .map(({ name }) => name.slice('base_model.model.'.length, -'.lora_A.weight'.length));
  const layers = new Set(modules.map((name) => name.split('.')[2]));
  const regular = modules.length === layers.size * lora.targets.length;
  return regular
    ? { layers_to_transform: lora.layers ?? null, target_modules: lora.targets }
    : { layers_to_transform: null, target_modules: modules };
}

function refuseFeatures(file: string, raw: Readonly<Record<string, unknown>>): void {
  const refuse = (field: string): never => {
    throw new UserError('unsupported', `${file}: "${field}" (${JSON.stringify(raw[field])}) is not supported.`, {
      hint: 'Longhand reads plain LoRA adapters on the attention and MLP layers of a causal language model.',
      place: { file, field },
    });
  };
  if (checkJson(file, raw, z.object({ peft_type: z.string() })).peft_type !== 'LORA') refuse('peft_type');
  if ((raw['task_type'] ?? 'CAUSAL_LM') !== 'CAUSAL_LM') refuse('task_type');
  if ((raw['bias'] ?? 'none') !== 'none') refuse('bias');
  if (!PLAIN_STARTS.includes(raw['init_lora_weights'])) refuse('init_lora_weights');
  const isSet = (value: unknown): boolean =>
    typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : Boolean(value);
  const feature = Object.keys(raw).find((field) => !HANDLED_FIELDS.has(field) && isSet(raw[field]));
  if (feature !== undefined) refuse(feature);
}

async function openAdapterFile(dir: string): Promise<SafetensorsFile> {
  const pickled = await stat(join(dir, 'adapter_model.bin')).catch(() => undefined);
  try {
    return await openSafetensors(join(dir, WEIGHTS_FILE));
  } catch (error) {
    if (!(error instanceof UserError && error.code === 'not_found') || pickled === undefined) throw error;
    throw new UserError('unsupported', `${dir} has adapter_model.bin, a pickle file, but no ${WEIGHTS_FILE}.`, {
      hint: 'Load and save the adapter with a current PEFT, which writes safetensors.',
      place: { file: join(dir, 'adapter_model.bin') },
    });
  }
}

function refuseUnknownTensors(file: SafetensorsFile, modules: readonly LinearModule[]): void {
  const known = new Set(modules.flatMap(({ name }) => [loraTensorName(name, 'A'), loraTensorName(name, 'B')]));
  const unknown = [...file.tensors.keys()].find((name) => !known.has(name));
  if (unknown !== undefined) throw badTensor(file, unknown, 'belongs to no attention or MLP layer of this model');
  if (modules.length === 0) {
    throw new UserError('invalid_input', `${file.path} holds no LoRA tensors.`, {
      hint: 'Choose the folder of a PEFT LoRA adapter.',
      place: { file: file.path },
    });
  }
}

/** Whether adapter_config.json names a module in a list (a regular expression is not read: the tensors tell). */
function isTarget(fields: AdapterFields, module: LinearModule): boolean {
  const { target_modules: targets, exclude_modules: excluded, layers_to_transform: layers } = fields;
  const named = (list: readonly string[]): boolean =>
    list.some((target) => module.name === target || module.name.endsWith(`.${target}`));
  if (!Array.isArray(targets) || !named(targets)) return false;
  if (typeof excluded === 'string' || (Array.isArray(excluded) && named(excluded))) return false;
  const chosen = typeof layers === 'number' ? [layers] : (layers ?? []);
  return chosen.length === 0 || chosen.includes(module.layer);
}

function badTensor(file: SafetensorsFile, name: string, problem: string): UserError {
  return new UserError('invalid_input', `${file.path}: the tensor "${name}" ${problem}.`, {
    hint: 'Check that the adapter was made for this model and that adapter_config.json belongs to it.',
    place: { file: file.path, field: name },
  });
}
