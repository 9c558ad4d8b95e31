import { z } from 'zod';
import { UserError } from '../../../shared/errors.ts';
import { checkJson } from './json-file.ts';
import type { RopeSettings } from './rope.ts';

/** A config.json as parsed from JSON, before any reading of its fields. */
export type RawConfig = Readonly<Record<string, unknown>>;

/** transformers' RotaryEmbeddingConfigMixin.default_theta. */
const DEFAULT_THETA = 10000;

// theta = 1 would make every frequency 1 and YaRN divide by log(1).
const thetaField = z.object({ rope_theta: z.number().gt(1).max(1e15) });
const factor = z.number().min(1).max(1e6);
const factorField = z.object({ factor });
const length = z.int().positive();
const weight = z.number().nonnegative().nullish();

const llama3Fields = z
  .object({
    factor,
    low_freq_factor: z.number().positive(),
    high_freq_factor: z.number().positive(),
    original_max_position_embeddings: length,
  })
  .refine((fields) => fields.high_freq_factor > fields.low_freq_factor, {
    message: 'it must be greater than low_freq_factor',
    path: ['high_freq_factor'],
  });

const yarnFields = z
  .object({
    factor: factor.nullable(),
    original_max_position_embeddings: length,
    attention_factor: z.number().positive().nullish(),
    beta_fast: weight,
    beta_slow: weight,
    mscale: weight,
    mscale_all_dim: weight,
    truncate: z.boolean().optional(),
  })
  .refine((fields) => (fields.beta_fast || 32) >= (fields.beta_slow || 1), {
    message: 'it must not be less than beta_slow',
    path: ['beta_fast'],
  });

/**
 * RoPE settings of a config.json in either spelling: `rope_parameters` (transformers 5), or `rope_theta` with
 * `rope_scaling`; the kind under `rope_type` or `type`. Precedence and defaults as transformers'
 * RotaryEmbeddingConfigMixin (configuration and modeling_rope_utils.py).
 * @param file path of the config.json, for errors
 * @throws UserError unsupported for longrope, partial rotary and unknown kinds; invalid_input for impossible values
 */
export function readRopeSettings(file: string, config: RawConfig, maxPositionEmbeddings: number): RopeSettings {
  const key = ropeDictionaryKey(config);
  const raw = ropeDictionary(config);
  refusePartialRotary(file, config, raw, key);
  refuseNested(file, raw, key);

  const baseParent = isGiven(raw['rope_theta']) ? (key ?? undefined) : undefined;
  const base = raw['rope_theta'] ?? config['rope_theta'] ?? DEFAULT_THETA;
  const theta = checkJson(file, { rope_theta: base }, thetaField, baseParent).rope_theta;
  const type = raw['rope_type'] ?? raw['type'] ?? 'default';
  const original =
    config['original_max_position_embeddings'] ?? raw['original_max_position_embeddings'] ?? maxPositionEmbeddings;
  const parent = key ?? undefined;

  if (type === 'default') return { type, theta };
  if (type === 'linear') return { type, theta, factor: checkJson(file, raw, factorField, parent).factor };
  if (type === 'dynamic') {
    return { type, theta, factor: checkJson(file, raw, factorField, parent).factor, maxPositionEmbeddings };
  }
  if (type === 'llama3') {
    const fields = checkJson(file, { ...raw, original_max_position_embeddings: original }, llama3Fields, parent);
    return {
      type,
      theta,
      factor: fields.factor,
      lowFreqFactor: fields.low_freq_factor,
      highFreqFactor: fields.high_freq_factor,
      originalMaxPositionEmbeddings: fields.original_max_position_embeddings,
    };
  }
  if (type === 'yarn') {
    const fields = checkJson(file, { ...raw, original_max_position_embeddings: original }, yarnFields, parent);
    return {
      type,
      theta,
      factor: fields.factor ?? maxPositionEmbeddings / fields.original_max_position_embeddings,
      originalMaxPositionEmbeddings: fields.original_max_position_embeddings,
      attentionFactor: fields.attention_factor ?? null,
      betaFast: fields.beta_fast || 32,
      betaSlow: fields.beta_slow || 1,
      mscale: fields.mscale ?? null,
      mscaleAllDim: fields.mscale_all_dim ?? null,
      truncate: fields.truncate ?? true,
    };
  }
  throw new UserError('unsupported', `${file}: RoPE of the kind ${JSON.stringify(type)} is not supported.`, {
    hint: 'Longhand knows default, linear, dynamic, llama3 and yarn; choose a model with one of these.',
    place: { file, field: `${key ?? 'rope_scaling'}.rope_type` },
  });
}

/**
 * The same config.json with another RoPE base, written in the spelling (and at the places) that it already uses.
 * @param theta the base, or how it shall be written (json-exact.ts)
 */
export function withRopeTheta(config: RawConfig, theta: unknown): RawConfig {
  const key = ropeDictionaryKey(config);
  const dictionary = ropeDictionary(config);
  const hasOwn = isGiven(config['rope_theta']);
  const inside = key !== null && (isGiven(dictionary['rope_theta']) || (key === 'rope_parameters' && !hasOwn));
  return {
    ...config,
    // A base inside the dictionary wins over the one beside it: where both are written, both change.
    ...(hasOwn || !inside ? { rope_theta: theta } : {}),
    ...(inside ? { [key]: { ...dictionary, rope_theta: theta } } : {}),
  };
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** Where the RoPE dictionary is: transformers takes `rope_scaling` first. null where there is none. */
function ropeDictionaryKey(config: RawConfig): 'rope_scaling' | 'rope_parameters' | null {
  const filled = (value: unknown): boolean =>
    typeof value === 'object' && value !== null && Object.keys(value).length > 0;
  if (filled(config['rope_scaling'])) return 'rope_scaling';
  return filled(config['rope_parameters']) ? 'rope_parameters' : null;
}

function ropeDictionary(config: RawConfig): Readonly<Record<string, unknown>> {
  const key = ropeDictionaryKey(config);
  return key === null ? {} : (config[key] as Record<string, unknown>);
}

function refusePartialRotary(file: string, config: RawConfig, raw: RawConfig, key: string | null): void {
  for (const [source, field] of [
    [config, 'partial_rotary_factor'],
    [raw, `${key}.partial_rotary_factor`],
  ] as const) {
    const value = source['partial_rotary_factor'];
    if (!isGiven(value) || value === 1) continue;
    throw new UserError(
      'unsupported',
      `${file}: partial rotary embeddings ("${field}": ${JSON.stringify(value)}) are not supported.`,
      {
        hint: 'Choose a model that rotates whole heads.',
        place: { file, field },
      },
    );
  }
}

/** rope_parameters may hold one dictionary a layer type (Gemma 3 and others); the architectures here have one for all. */
function refuseNested(file: string, raw: RawConfig, key: string | null): void {
  for (const [name, value] of Object.entries(raw)) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) continue;
    throw new UserError('unsupported', `${file}: RoPE settings by layer type ("${key}.${name}") are not supported.`, {
      hint: 'Choose a model with the same RoPE in all layers.',
      place: { file, field: `${key}.${name}` },
    });
  }
}
