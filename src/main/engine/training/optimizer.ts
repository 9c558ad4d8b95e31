/**
 * Optimizers over one flat parameter vector. State is float32, arithmetic is float64 per element and is rounded to
 * float32 when stored, so a run that is resumed from the stored state continues bit for bit.
 */

export interface AdamWSettings {
  readonly kind: 'adamw';
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  /** Decoupled decay, applied to every trainable element (norms and biases included). */
  readonly weightDecay: number;
}

export interface RmsPropSettings {
  readonly kind: 'rmsprop';
  /** Smoothing constant of the squared gradient; torch's default is 0.99. */
  readonly alpha: number;
  readonly eps: number;
  /** Added to the gradient (L2 penalty), as torch.optim.RMSprop does. */
  readonly weightDecay: number;
}

export type OptimizerSettings = AdamWSettings | RmsPropSettings;

/** torch.optim.AdamW's defaults, but without weight decay (the paper's and the released code's setting). */
export const ADAMW_DEFAULTS: AdamWSettings = {
  kind: 'adamw',
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  weightDecay: 0,
};

/** torch.optim.RMSprop's defaults (not centred, no momentum): what `--optim rmsprop` of the released code runs. */
export const RMSPROP_DEFAULTS: RmsPropSettings = { kind: 'rmsprop', alpha: 0.99, eps: 1e-8, weightDecay: 0 };

/** One optimizer and its state for a vector of P parameters. */
export interface Optimizer {
  readonly settings: OptimizerSettings;
  /** State arrays [P] by name (`m` and `v`, or `v` alone): the live arrays, to be saved and restored in place. */
  readonly state: ReadonlyMap<string, Float32Array>;
  /** Updates done so far; set it when a saved state is restored. */
  step: number;
  /** One update in place: `parameters` [P] from `gradient` [P] (which is left as it is). */
  update(parameters: Float32Array, gradient: Float32Array, learningRate: number): void;
}

/** Makes an optimizer with zero state for `size` parameters. */
export function createOptimizer(settings: OptimizerSettings, size: number): Optimizer {
  return settings.kind === 'adamw' ? createAdamW(settings, size) : createRmsProp(settings, size);
}

function createAdamW(settings: AdamWSettings, size: number): Optimizer {
  const m = new Float32Array(size);
  const v = new Float32Array(size);
  return {
    settings,
    state: new Map([
      ['m', m],
      ['v', v],
    ]),
    step: 0,
    update(parameters, gradient, learningRate) {
      checkSizes(size, parameters, gradient);
      this.step += 1;
      adamW(parameters, gradient, m, v, learningRate, this.step, settings);
    },
  };
}

function createRmsProp(settings: RmsPropSettings, size: number): Optimizer {
  const v = new Float32Array(size);
  return {
    settings,
    state: new Map([['v', v]]),
    step: 0,
    update(parameters, gradient, learningRate) {
      checkSizes(size, parameters, gradient);
      this.step += 1;
      rmsProp(parameters, gradient, v, learningRate, settings);
    },
  };
}

// The loops run to 1e8 elements. Every index is below the common length, checked by checkSizes; `?? 0` would cost time.

/** AdamW (Loshchilov and Hutter 2019), in torch's order: decay, moments, bias-corrected step t = 1, 2, ... */
function adamW(
  p: Float32Array,
  g: Float32Array,
  m: Float32Array,
  v: Float32Array,
  learningRate: number,
  t: number,
  { beta1, beta2, eps, weightDecay }: AdamWSettings,
): void {
  const keep = 1 - learningRate * weightDecay;
  const stepSize = learningRate / (1 - beta1 ** t);
  const correction2 = Math.sqrt(1 - beta2 ** t);
  const new1 = 1 - beta1;
  const new2 = 1 - beta2;
  for (let i = 0; i < p.length; i += 1) {
    const gradient = g[i] as number;
    const first = beta1 * (m[i] as number) + new1 * gradient;
    const second = beta2 * (v[i] as number) + new2 * gradient * gradient;
    m[i] = first;
    v[i] = second;
    p[i] = (p[i] as number) * keep - (stepSize * first) / (Math.sqrt(second) / correction2 + eps);
  }
}

/** RMSprop (Hinton) as in torch: epsilon is added outside the root. */
function rmsProp(
  p: Float32Array,
  g: Float32Array,
  v: Float32Array,
  learningRate: number,
  { alpha, eps, weightDecay }: RmsPropSettings,
): void {
  const fresh = 1 - alpha;
  for (let i = 0; i < p.length; i += 1) {
    const value = p[i] as number;
    const gradient = (g[i] as number) + weightDecay * value;
    const second = alpha * (v[i] as number) + fresh * gradient * gradient;
    v[i] = second;
    p[i] = value - (learningRate * gradient) / (Math.sqrt(second) + eps);
  }
}

function checkSizes(size: number, parameters: Float32Array, gradient: Float32Array): void {
  if (parameters.length !== size || gradient.length !== size) {
    throw new Error(`Optimizer of ${size} elements got ${parameters.length} parameters, ${gradient.length} gradients.`);
  }
}

/**
 * Scales `gradient` in place so that its L2 norm is at most `maxNorm` (torch's clip_grad_norm_: factor
 * min(1, maxNorm / (norm + 1e-6))). `Infinity` measures only. Returns the norm before clipping, summed in float64; when
 * that is not finite the gradient is left alone, for the caller to refuse.
 */
export function clipGradient(gradient: Float32Array, maxNorm: number): number {
  const norm = l2Norm(gradient);
  const factor = maxNorm / (norm + 1e-6);
  if (factor < 1 && Number.isFinite(norm)) scaleInPlace(gradient, factor);
  return norm;
}

/** L2 norm, summed in float64 from first to last element; NaN or Infinity if an element is. */
export function l2Norm(vector: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < vector.length; i += 1) {
    const value = vector[i] as number;
    sum += value * value;
  }
  return Math.sqrt(sum);
}

/** Multiplies every element by `factor`, in place. */
export function scaleInPlace(vector: Float32Array, factor: number): void {
  for (let i = 0; i < vector.length; i += 1) vector[i] = (vector[i] as number) * factor;
}

/** `sum += term`, element by element; returns false when a term is NaN or infinite. */
export function addInPlace(sum: Float32Array, term: Float32Array): boolean {
  if (sum.length !== term.length) throw new Error(`Cannot add ${term.length} elements to ${sum.length}.`);
  let probe = 0; // 0 * finite = 0; 0 * NaN or Infinity = NaN, which stays
  for (let i = 0; i < sum.length; i += 1) {
    const value = term[i] as number;
    probe += value * 0;
    sum[i] = (sum[i] as number) + value;
  }
  return probe === 0;
}
