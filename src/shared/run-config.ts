import { z } from 'zod';
import { parseInput } from './parse.ts';

/** The linear layers of a decoder block that LoRA can adapt (Hugging Face names). */
export const loraTargets = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'] as const;
export type LoraTarget = (typeof loraTargets)[number];

export const objectives = ['longpo', 'dpo', 'sft'] as const;
export type Objective = (typeof objectives)[number];

const count = z.int().min(1);
const weight = z.number().min(0);
const rate = z.number().min(0).max(1);
/** Decay rates of moments: 1 would divide by zero in AdamW's bias correction and never move RMSprop's average. */
const decay = z.number().min(0).lt(1);

const fullSchema = z.strictObject({ kind: z.literal('full') });
const loraSchema = z.strictObject({
  kind: z.literal('lora'),
  rank: count.default(16),
  alpha: z.number().positive().default(32),
  /** Scale by alpha / sqrt(rank) instead of alpha / rank (rsLoRA, arXiv 2312.03732). */
  rslora: z.boolean().default(false),
  targets: z
    .array(z.enum(loraTargets))
    .min(1)
    .refine((targets) => new Set(targets).size === targets.length, 'each target may be named once')
    .default([...loraTargets]),
});

/** Fields of the optimizer that only one kind has, with that kind and their default (torch's). */
const optimizerOwn = { beta1: ['adamw', 0.9], beta2: ['adamw', 0.999], alpha: ['rmsprop', 0.99] } as const;

const optimizerSchema = z
  .strictObject({
    kind: z.enum(['adamw', 'rmsprop']).default('adamw'),
    beta1: decay.optional(),
    beta2: decay.optional(),
    /** Smoothing constant of RMSprop's squared gradient. */
    alpha: decay.optional(),
    eps: z.number().positive().default(1e-8),
    weightDecay: weight.default(0),
  })
  .superRefine((optimizer, context) => {
    for (const [field, [kind]] of Object.entries(optimizerOwn)) {
      if (optimizer[field as keyof typeof optimizerOwn] === undefined || optimizer.kind === kind) continue;
      context.addIssue({ code: 'custom', path: [field], message: `belongs to ${kind}, not to ${optimizer.kind}` });
    }
  })
  .transform(({ kind, beta1, beta2, alpha, ...common }) =>
    kind === 'adamw'
      ? { kind, beta1: beta1 ?? optimizerOwn.beta1[1], beta2: beta2 ?? optimizerOwn.beta2[1], ...common }
      : { kind, alpha: alpha ?? optimizerOwn.alpha[1], ...common },
  );

/**
 * The weights an objective starts from; every objective is
 * `nllAnswers * NLL(answer tokens) + nllDocument * NLL(whole chosen sequence) + lambda * preference`.
 * longpo: the paper's Eq. 14. dpo: the plain loss with the reference on the long input. sft: chosen answers only.
 */
export const objectiveWeights = {
  longpo: { lambda: 0.01, nllDocument: 1, nllAnswers: 0 },
  dpo: { lambda: 1, nllDocument: 0, nllAnswers: 0 },
  sft: { lambda: 0, nllDocument: 0, nllAnswers: 1 },
} as const satisfies Record<Objective, { lambda: number; nllDocument: number; nllAnswers: number }>;

const fieldsSchema = z.strictObject({
  objective: z.enum(objectives).default('longpo'),
  /** Strength of the constraint towards the reference. */
  beta: z.number().positive().default(0.1),
  /** Weight of the preference term (not of the NLL); default by objective, see `objectiveWeights`. */
  lambda: weight.optional(),
  /** Weight of the mean NLL over the whole chosen sequence, document included. */
  nllDocument: weight.optional(),
  /** Weight of the mean NLL over the chosen answers' tokens. */
  nllAnswers: weight.optional(),

  learningRate: z.number().positive().default(5e-7),
  schedule: z.enum(['cosine', 'linear', 'constant']).default('cosine'),
  /** Share of all steps, or a number of steps: one of the two is null. */
  warmupRatio: rate.nullable().optional(),
  warmupSteps: z.int().min(0).nullable().optional(),
  /** Passes over the data (fractions allowed), or a number of optimizer steps: one of the two is null. */
  epochs: z.number().positive().nullable().optional(),
  maxSteps: count.nullable().optional(),
  /** Examples an optimizer step. */
  batchSize: count.default(8),
  optimizer: optimizerSchema.prefault({}),
  /** Gradients are scaled down to this L2 norm; null = no clipping. */
  maxGradNorm: z.number().positive().nullable().default(1),
  seed: z.int().min(0).max(0xffffffff).default(42),

  trainable: z.discriminatedUnion('kind', [fullSchema, loraSchema]).default({ kind: 'full' }),
  /** RoPE base of the policy; null = the model's own. The reference always keeps the model's own. */
  ropeTheta: z.number().positive().nullable().default(null),
  /** Longest sequence in tokens; a longer example is refused before the run starts, never cut. */
  maxLength: z.int().min(2).default(131072),
  /** Most turns (questions) that one example carries. */
  turnsPerSample: count.default(4),
  gradientCheckpointing: z.enum(['none', 'layer']).default('layer'),

  /** Optimizer steps between checkpoints; the last step always makes one. */
  checkpointEvery: count.default(500),
  /** Latest checkpoints kept on disk. */
  keepCheckpoints: count.default(3),
  /** Optimizer steps between evaluations on the held-out pairs. */
  evalEvery: count.default(100),
  /** Share of the documents kept out of training; 0 = none. */
  heldOutFraction: z.number().min(0).lt(1).default(0.05),

  device: z.enum(['cpu', 'cuda']).default('cpu'),
  /** CPU threads; 0 = as many as there are cores. */
  threads: z.int().min(0).max(1024).default(0),
});

/**
 * The configuration of one training run. Input may leave fields out; the output has every field. Defaults are the
 * paper's (arXiv 2502.13922) where it states them, then the released script's; `presets.ts` names the differences.
 */
export const runConfigSchema = fieldsSchema
  .superRefine((config, context) => {
    const problem = (field: keyof typeof config, message: string) =>
      context.addIssue({ code: 'custom', path: [field], message });
    if (isSet(config.warmupRatio) && isSet(config.warmupSteps)) {
      problem('warmupSteps', 'give warmupRatio or warmupSteps, not both');
    }
    if (isSet(config.epochs) && isSet(config.maxSteps)) problem('maxSteps', 'give epochs or maxSteps, not both');
    const weights = weightsOf(config);
    if (config.objective === 'sft' && weights.lambda !== 0) {
      problem('lambda', 'sft has no preference term, so lambda must be 0');
    }
    if (weights.lambda === 0 && weights.nllDocument === 0 && weights.nllAnswers === 0) {
      problem('lambda', 'lambda, nllDocument and nllAnswers are all 0, so there is nothing to learn');
    }
  })
  .transform((config) => ({
    ...config,
    ...weightsOf(config),
    warmupRatio: config.warmupRatio ?? (isSet(config.warmupSteps) ? null : 0.1),
    warmupSteps: config.warmupSteps ?? null,
    epochs: config.epochs ?? (isSet(config.maxSteps) ? null : 1),
    maxSteps: config.maxSteps ?? null,
  }));

/** What a person or a file may write: everything is optional. */
export type RunConfigInput = z.input<typeof runConfigSchema>;
/** A complete configuration. */
export type RunConfig = z.output<typeof runConfigSchema>;
export type Trainable = RunConfig['trainable'];

/**
 * What a run that goes on from a checkpoint of another takes over unchanged: the trained vector, the optimizer's state
 * and the place in the data mean nothing under other values. Of the optimizer only the kind is fixed.
 */
export const inheritedFields = [
  'trainable',
  'batchSize',
  'seed',
  'turnsPerSample',
  'heldOutFraction',
  'ropeTheta',
] as const satisfies readonly (keyof RunConfig)[];

/**
 * Checks a run configuration and fills in its defaults.
 * Errors: `invalid_input` naming the field (and `file`, where it came from one).
 */
export function parseRunConfig(value: unknown, file?: string): RunConfig {
  return parseInput(runConfigSchema, value, 'Run configuration', file);
}

function isSet<T>(value: T | null | undefined): value is T {
  return value !== null && value !== undefined;
}

function weightsOf(config: z.output<typeof fieldsSchema>): { lambda: number; nllDocument: number; nllAnswers: number } {
  const preset = objectiveWeights[config.objective];
  return {
    lambda: config.lambda ?? preset.lambda,
    nllDocument: config.nllDocument ?? preset.nllDocument,
    nllAnswers: config.nllAnswers ?? preset.nllAnswers,
  };
}
