/**
 * How far a correct single-precision implementation may be from the golden values: the table of the golden README,
 * and nothing else. Where a case records a larger error of its own fp32 reference, ten times that error is allowed.
 */
export interface Tolerance {
  readonly tolerance: number;
  /** The difference itself, or the difference over the expected value. */
  readonly measure: 'absolute' | 'relative';
  /** Under which name a case's `fp32_error` records the error of such a quantity. */
  readonly recordedAs?: string;
}

/** Times a case's recorded error. */
export const RECORDED_FACTOR = 10;

export const SCALAR_TOLERANCES = {
  /** Counts, token ids, texts. */
  exact: { tolerance: 0, measure: 'absolute' },
  logpSum: { tolerance: 1e-3, measure: 'absolute', recordedAs: 'summed log-probabilities' },
  nll: { tolerance: 1e-5, measure: 'absolute', recordedAs: 'nll' },
  /** Preference, LongPO and DPO losses, rewards. */
  loss: { tolerance: 1e-4, measure: 'absolute', recordedAs: 'losses and rewards' },
  kl: { tolerance: 5e-4, measure: 'absolute', recordedAs: 'kl sums' },
  gradientNorm: { tolerance: 1e-4, measure: 'relative', recordedAs: 'gradient norms (relative)' },
  training: { tolerance: 1e-4, measure: 'relative', recordedAs: 'training losses and gradient norms (relative)' },
  update: { tolerance: 1e-4, measure: 'relative', recordedAs: 'training update_l2 (relative)' },
  /** Computed in float64 on both sides; the generator itself accepts 1e-6 for the frequencies. */
  frequency: { tolerance: 1e-6, measure: 'relative' },
  learningRate: { tolerance: 1e-12, measure: 'relative' },
  /** Logits of a real model (and their gaps), fp32 against fp32. */
  realLogit: { tolerance: 2e-3, measure: 'absolute' },
} as const satisfies Readonly<Record<string, Tolerance>>;

export type ScalarKind = keyof typeof SCALAR_TOLERANCES;

/** Tensors: the largest difference of an element, the L2 norm of the difference over the expected norm, or both. */
export interface TensorTolerance {
  readonly maxAbs?: number;
  readonly relL2?: number;
}

export const TENSOR_TOLERANCES = {
  /** Logits and hidden states. */
  logits: { maxAbs: 3e-5 },
  realLogits: { maxAbs: 2e-3 },
  /** Per-token log-probabilities and divergences. */
  tokenLogp: { maxAbs: 5e-5 },
  gradient: { relL2: 1e-4 },
  /** AdamW moves an element with a vanishing gradient by up to the learning rate either way: see the README. */
  trained: { maxAbs: 5e-4, relL2: 1e-4 },
} as const satisfies Readonly<Record<string, TensorTolerance>>;

export type TensorKind = keyof typeof TENSOR_TOLERANCES;
