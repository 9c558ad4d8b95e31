import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../../shared/errors.ts';
import { checkJson, readJsonFile, readOptionalJsonFile } from './json-file.ts';
import { readRopeSettings } from './rope-config.ts';
import type { RawConfig } from './rope-config.ts';
import type { RopeSettings } from './rope.ts';

/** The decoder architectures that Longhand computes. */
export type ModelType = 'llama' | 'mistral' | 'qwen2' | 'qwen3';

/** What the graph, the tokenizer and the planner need to know of a Hugging Face causal language model. */
export interface ModelConfig {
  readonly modelType: ModelType;
  readonly hiddenSize: number;
  /** Width of the MLP. */
  readonly intermediateSize: number;
  readonly numLayers: number;
  readonly numHeads: number;
  /** Key/value heads; divides numHeads. */
  readonly numKvHeads: number;
  /** Channels of a head, even. */
  readonly headDim: number;
  readonly vocabSize: number;
  readonly rmsNormEps: number;
  readonly rope: RopeSettings;
  /** The output head is the embedding. */
  readonly tieWordEmbeddings: boolean;
  /** Biases on q, k and v; on o; on gate, up and down. */
  readonly qkvBias: boolean;
  readonly outputBias: boolean;
  readonly mlpBias: boolean;
  /** RMSNorm on every head of q and k before RoPE. */
  readonly qkNorm: boolean;
  readonly maxPositionEmbeddings: number;
  readonly bosTokenId: number | null;
  /** Tokens that end a generation; generation_config.json goes before config.json. */
  readonly eosTokenIds: number[];
  readonly padTokenId: number | null;
  readonly torchDtype: string | null;
}

const MODEL_TYPES: Readonly<Record<ModelType, string>> = {
  llama: 'LlamaForCausalLM',
  mistral: 'MistralForCausalLM',
  qwen2: 'Qwen2ForCausalLM',
  qwen3: 'Qwen3ForCausalLM',
};

/** Head size of a qwen3 config.json that names none (transformers' Qwen3Config). */
const QWEN3_HEAD_DIM = 128;
/** Sliding window of a mistral config.json that names none (transformers' MistralConfig). */
const MISTRAL_SLIDING_WINDOW = 4096;

// The upper bounds only keep a hostile or damaged file from asking for endless loops.
const size = (maximum: number): z.ZodInt => z.int().positive().max(maximum);
// -1 is an old way of writing "none".
const tokenId = z.int().min(-1);
const tokenIds = z.union([tokenId, z.array(tokenId)]);

const specialTokens = z.object({
  bos_token_id: tokenId.nullish(),
  eos_token_id: tokenIds.nullish(),
  pad_token_id: tokenId.nullish(),
});

const configFields = specialTokens.extend({
  hidden_size: size(2 ** 20),
  intermediate_size: size(2 ** 22),
  num_hidden_layers: size(2048),
  num_attention_heads: size(2 ** 14),
  num_key_value_heads: size(2 ** 14).nullish(),
  head_dim: size(2 ** 14).nullish(),
  vocab_size: size(2 ** 24),
  max_position_embeddings: size(2 ** 31),
  rms_norm_eps: z.number().positive().max(1),
  tie_word_embeddings: z.boolean().nullish(),
  attention_bias: z.boolean().nullish(),
  mlp_bias: z.boolean().nullish(),
  use_sliding_window: z.boolean().nullish(),
  sliding_window: z.int().nonnegative().nullish(),
  max_window_layers: z.int().nonnegative().nullish(),
  layer_types: z.array(z.string()).nullish(),
  torch_dtype: z.string().nullish(),
  dtype: z.string().nullish(),
});
type ConfigFields = z.infer<typeof configFields>;

/** config.json as it stands, for those who copy it (merge.ts). */
export async function readRawConfig(dir: string): Promise<RawConfig> {
  return readJsonFile(join(dir, 'config.json'), z.record(z.string(), z.unknown()));
}

/**
 * Reads config.json and, where it exists, generation_config.json of a Hugging Face model folder.
 * @throws UserError not_found without config.json; unsupported for architectures and features that the engine does not
 *   compute; invalid_input for missing or impossible values. Each names the file and the field.
 */
export async function loadModelConfig(dir: string): Promise<ModelConfig> {
  const file = join(dir, 'config.json');
  const raw = await readRawConfig(dir);
  const modelType = readModelType(file, raw);
  refuseFeatures(file, raw);
  const fields = checkJson(file, raw, configFields);
  refuseSlidingWindow(file, modelType, fields);
  const heads = readHeads(file, modelType, fields);

  const generationFile = join(dir, 'generation_config.json');
  const generation = (await readOptionalJsonFile(generationFile, specialTokens)) ?? {};
  const idsOf = (name: keyof z.infer<typeof specialTokens>): number[] => {
    const fromGeneration = generation[name] !== undefined && generation[name] !== null;
    const value = fromGeneration ? generation[name] : fields[name];
    return checkTokenIds(fromGeneration ? generationFile : file, name, value, fields.vocab_size);
  };

  const attentionBias = (modelType === 'llama' || modelType === 'qwen3') && (fields.attention_bias ?? false);
  return {
    modelType,
    hiddenSize: fields.hidden_size,
    intermediateSize: fields.intermediate_size,
    numLayers: fields.num_hidden_layers,
    ...heads,
    vocabSize: fields.vocab_size,
    rmsNormEps: fields.rms_norm_eps,
    rope: readRopeSettings(file, raw, fields.max_position_embeddings),
    tieWordEmbeddings: fields.tie_word_embeddings ?? false,
    qkvBias: modelType === 'qwen2' || attentionBias,
    outputBias: attentionBias,
    mlpBias: modelType === 'llama' && (fields.mlp_bias ?? false),
    qkNorm: modelType === 'qwen3',
    maxPositionEmbeddings: fields.max_position_embeddings,
    bosTokenId: idsOf('bos_token_id')[0] ?? null,
    eosTokenIds: idsOf('eos_token_id'),
    padTokenId: idsOf('pad_token_id')[0] ?? null,
    torchDtype: fields.dtype ?? fields.torch_dtype ?? null,
  };
}

function readModelType(file: string, raw: RawConfig): ModelType {
  const { model_type: type } = checkJson(file, raw, z.object({ model_type: z.string() }));
  const hint = 'Longhand trains Llama, Mistral, Qwen2 and Qwen3 models for causal language modelling.';
  if (!Object.hasOwn(MODEL_TYPES, type)) {
    throw new UserError('unsupported', `${file}: the architecture "${type}" is not supported.`, {
      hint,
      place: { file, field: 'model_type' },
    });
  }
  const modelType = type as ModelType;
  const { architectures } = checkJson(file, raw, z.object({ architectures: z.array(z.string()).nullish() }));
  const expected = MODEL_TYPES[modelType];
  if (architectures && architectures.length > 0 && !architectures.includes(expected)) {
    throw new UserError('unsupported', `${file}: the model class "${architectures[0]}" is not supported.`, {
      hint: `${hint} This folder would have to hold a ${expected}.`,
      place: { file, field: 'architectures' },
    });
  }
  return modelType;
}

function refuseFeatures(file: string, raw: RawConfig): void {
  if (raw['quantization_config'] !== undefined && raw['quantization_config'] !== null) {
    throw new UserError('unsupported', `${file}: quantized weights ("quantization_config") are not supported.`, {
      hint: 'Choose the original model in bfloat16, float16 or float32.',
      place: { file, field: 'quantization_config' },
    });
  }
  const activation = raw['hidden_act'] ?? 'silu';
  if (activation !== 'silu') {
    throw new UserError('unsupported', `${file}: the activation ${JSON.stringify(activation)} is not supported.`, {
      hint: 'Choose a model with "hidden_act": "silu".',
      place: { file, field: 'hidden_act' },
    });
  }
}

/** Refuses a model whose attention would really be cut to a window; settings that have no effect pass. */
function refuseSlidingWindow(file: string, modelType: ModelType, fields: ConfigFields): void {
  const refuse = (field: string, detail: string): never => {
    throw new UserError('unsupported', `${file}: sliding-window attention ("${field}": ${detail}) is not supported.`, {
      hint: 'Choose a model with full attention in all layers.',
      place: { file, field },
    });
  };
  const partial = fields.layer_types?.find((type) => type !== 'full_attention');
  if (partial !== undefined) refuse('layer_types', JSON.stringify(partial));
  if (modelType === 'mistral') {
    const window = fields.sliding_window === undefined ? MISTRAL_SLIDING_WINDOW : fields.sliding_window;
    if (window !== null && window < fields.max_position_embeddings) {
      refuse('sliding_window', fields.sliding_window === undefined ? `missing, which means ${window}` : String(window));
    }
  }
  const qwen = modelType === 'qwen2' || modelType === 'qwen3';
  if (qwen && fields.use_sliding_window && fields.sliding_window !== null && !fields.layer_types) {
    // 28 and 4096 are the defaults of transformers' Qwen2Config and Qwen3Config.
    const firstLayer = fields.max_window_layers ?? 28;
    if (firstLayer < fields.num_hidden_layers) {
      refuse('use_sliding_window', `true, ${fields.sliding_window ?? 4096} tokens from layer ${firstLayer}`);
    }
  }
}

function readHeads(
  file: string,
  modelType: ModelType,
  fields: ConfigFields,
): Pick<ModelConfig, 'numHeads' | 'numKvHeads' | 'headDim'> {
  const impossible = (field: string, problem: string): never => {
    throw new UserError('invalid_input', `${file}: "${field}" is not usable: ${problem}.`, {
      hint: 'Check the file against the original model, or download it again.',
      place: { file, field },
    });
  };
  const numHeads = fields.num_attention_heads;
  // Left out, transformers takes 8 (mistral) or 32 (qwen), which is a guess about this model: better to ask.
  if (fields.num_key_value_heads === undefined && modelType !== 'llama')
    impossible('num_key_value_heads', 'it is missing');
  const numKvHeads = fields.num_key_value_heads ?? numHeads;
  if (numHeads % numKvHeads !== 0) {
    impossible('num_key_value_heads', `${numHeads} attention heads are not a multiple of ${numKvHeads}`);
  }
  const stated = fields.head_dim ?? (modelType === 'qwen3' ? QWEN3_HEAD_DIM : null);
  if (stated === null && fields.hidden_size % numHeads !== 0) {
    impossible('hidden_size', `${fields.hidden_size} is not a multiple of ${numHeads} attention heads`);
  }
  const headDim = stated ?? fields.hidden_size / numHeads;
  if (headDim % 2 !== 0) {
    impossible(stated === null ? 'hidden_size' : 'head_dim', `a head of ${headDim} channels is odd, RoPE needs pairs`);
  }
  return { numHeads, numKvHeads, headDim };
}

function checkTokenIds(
  file: string,
  field: string,
  value: number | number[] | null | undefined,
  vocab: number,
): number[] {
  const ids = (typeof value === 'number' ? [value] : (value ?? [])).filter((id) => id !== -1);
  const outside = ids.find((id) => id >= vocab);
  if (outside === undefined) return ids;
  throw new UserError(
    'invalid_input',
    `${file}: "${field}" is ${outside}, outside the vocabulary of ${vocab} tokens.`,
    {
      hint: 'Check the file against the original model, or download it again.',
      place: { file, field },
    },
  );
}
