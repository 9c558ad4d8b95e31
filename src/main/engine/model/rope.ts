/** RoPE as a model's config.json describes it, one spelling for all (see rope-config.ts for reading it). */
export type RopeSettings =
  | { readonly type: 'default'; readonly theta: number }
  | { readonly type: 'linear'; readonly theta: number; readonly factor: number }
  | {
      readonly type: 'dynamic';
      readonly theta: number;
      readonly factor: number;
      /** Lengths up to this one leave the base unchanged. */
      readonly maxPositionEmbeddings: number;
    }
  | {
      readonly type: 'llama3';
      readonly theta: number;
      readonly factor: number;
      readonly lowFreqFactor: number;
      readonly highFreqFactor: number;
      readonly originalMaxPositionEmbeddings: number;
    }
  | {
      readonly type: 'yarn';
      readonly theta: number;
      readonly factor: number;
      readonly originalMaxPositionEmbeddings: number;
      /** null: derived from factor, mscale and mscaleAllDim. */
      readonly attentionFactor: number | null;
      readonly betaFast: number;
      readonly betaSlow: number;
      readonly mscale: number | null;
      readonly mscaleAllDim: number | null;
      readonly truncate: boolean;
    };

/** Rotary frequencies: one angle per position and channel pair is position * inverseFrequencies[i]. */
export interface RopeFrequencies {
  /** [headDim / 2], radians a position. */
  readonly inverseFrequencies: Float64Array;
  /** Both cos and sin are multiplied by it (YaRN's attention factor; 1 for the other kinds). */
  readonly multiplier: number;
}

/** cos and sin of every position and channel pair, [length, half] row-major, multiplier included. */
export interface RopeTables {
  readonly cos: Float32Array;
  readonly sin: Float32Array;
  /** Number of positions. */
  readonly length: number;
  /** headDim / 2; channel i is paired with channel i + half (rotate-half). */
  readonly half: number;
}

/**
 * Inverse frequencies in float64, as transformers' modeling_rope_utils.py defines them (it computes them in float32).
 * @param headDim channels of a head, even
 * @param options.theta replaces the base of the frequencies and nothing else
 * @param options.length number of positions of the sequence; only `dynamic` depends on it, and where it is left out or
 *   at most maxPositionEmbeddings the base stays
 */
export function ropeFrequencies(
  settings: RopeSettings,
  headDim: number,
  options: { readonly theta?: number; readonly length?: number } = {},
): RopeFrequencies {
  const theta = options.theta ?? settings.theta;
  switch (settings.type) {
    case 'default':
      return { inverseFrequencies: plainFrequencies(theta, headDim), multiplier: 1 };
    case 'linear':
      return { inverseFrequencies: plainFrequencies(theta, headDim).map((f) => f / settings.factor), multiplier: 1 };
    case 'dynamic': {
      const { factor, maxPositionEmbeddings: maximum } = settings;
      const length = Math.max(options.length ?? maximum, maximum);
      const growth = (factor * length) / maximum - (factor - 1);
      return {
        inverseFrequencies: plainFrequencies(theta * growth ** (headDim / (headDim - 2)), headDim),
        multiplier: 1,
      };
    }
    case 'llama3':
      return { inverseFrequencies: plainFrequencies(theta, headDim).map((f) => llama3(settings, f)), multiplier: 1 };
    case 'yarn':
      return {
        inverseFrequencies: yarnFrequencies(settings, theta, headDim),
        multiplier: yarnMultiplier(settings),
      };
  }
}

/** Tables for positions 0 .. length - 1; angles, cos and sin in float64, rounded to float32 at the end. */
export function ropeTables(frequencies: RopeFrequencies, length: number): RopeTables {
  const { inverseFrequencies, multiplier } = frequencies;
  const half = inverseFrequencies.length;
  const cos = new Float32Array(length * half);
  const sin = new Float32Array(length * half);
  for (let position = 0, at = 0; position < length; position++) {
    for (const frequency of inverseFrequencies) {
      cos[at] = Math.cos(position * frequency) * multiplier;
      sin[at] = Math.sin(position * frequency) * multiplier;
      at++;
    }
  }
  return { cos, sin, length, half };
}

/** theta^(-2i / headDim) for each channel pair i (RoFormer, Su et al. 2021). */
function plainFrequencies(theta: number, headDim: number): Float64Array {
  return Float64Array.from({ length: headDim / 2 }, (_, i) => theta ** ((-2 * i) / headDim));
}

/** Llama 3.1: long wavelengths divided by the factor, short ones kept, a linear blend between. */
function llama3(settings: RopeSettings & { type: 'llama3' }, frequency: number): number {
  const { factor, lowFreqFactor: low, highFreqFactor: high } = settings;
  const rotations = (settings.originalMaxPositionEmbeddings * frequency) / (2 * Math.PI);
  if (rotations < low) return frequency / factor;
  if (rotations > high) return frequency;
  const kept = (rotations - low) / (high - low);
  return ((1 - kept) * frequency) / factor + kept * frequency;
}

/** YaRN (Peng et al. 2023): a ramp over channel pairs from the original frequencies to the divided ones. */
function yarnFrequencies(settings: RopeSettings & { type: 'yarn' }, theta: number, headDim: number): Float64Array {
  const pairOf = (rotations: number): number =>
    (headDim * Math.log(settings.originalMaxPositionEmbeddings / (rotations * 2 * Math.PI))) / (2 * Math.log(theta));
  const low = pairOf(settings.betaFast);
  const high = pairOf(settings.betaSlow);
  const from = Math.max(settings.truncate ? Math.floor(low) : low, 0);
  let to = Math.min(settings.truncate ? Math.ceil(high) : high, headDim - 1);
  if (from === to) to += 0.001; // as transformers: no division by zero
  return plainFrequencies(theta, headDim).map((frequency, i) => {
    const divided = Math.min(Math.max((i - from) / (to - from), 0), 1);
    return (frequency / settings.factor) * divided + frequency * (1 - divided);
  });
}

function yarnMultiplier(settings: RopeSettings & { type: 'yarn' }): number {
  const { factor, attentionFactor, mscale, mscaleAllDim } = settings;
  const scaled = (weight: number): number => (factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1);
  if (attentionFactor !== null) return attentionFactor;
  return mscale && mscaleAllDim ? scaled(mscale) / scaled(mscaleAllDim) : scaled(1);
}
