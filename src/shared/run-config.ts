import { z } from 'zod';
import { parseInput } from './parse.ts';

/** The linear layers of a decoder block that LoRA can adapt (Hugging Face names). */
export const loraTargets = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'] as const;
export type LoraTarget = (typeof loraTargets)[number];

export const objectives = ['longpo', 'dpo', 'sft', 'simpo', 'orpo', 'solopo', 'opsdl'] as const;
export type Objective = (typeof objectives)[number];

/** Rewards of an answer that SoLoPO can be built on: those of DPO, SimPO and ORPO. */
export const rewards = ['dpo', 'simpo', 'orpo'] as const;
export type Reward = (typeof rewards)[number];

/**
 * Precision of the frozen weights of the linear layers: the model's own, or 4 bits (blocks of 32, symmetric), which take a
 * quarter of bfloat16's memory. Decides results, so it belongs to whatever is stored of them.
 */
export const baseBits = ['own', '4'] as const;
export type BaseBits = (typeof baseBits)[number];

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
 * The weights an objective starts from; the first five are
 * `nllAnswers * NLL(answer tokens) + nllDocument * NLL(whole chosen sequence) + lambda * preference`.
 * longpo: the paper's Eq. 14. dpo: the plain loss with the reference on the long input. sft: chosen answers only.
 * simpo (arXiv 2405.14734): mean log-probabilities, no reference. orpo (2403.07691): odds ratio, no reference; lambda as
 * in the paper (TRL calls it beta). solopo (2505.11166): `nllAnswers * NLL + lambda * preference` on the short input, plus
 * alpha times the distance of the chosen answer's rewards on both inputs; weights by its reward, see `soloWeights`.
 * opsdl (2604.17535): lambda times the reverse KL of sampled answers to the model on the short input.
 */
export const objectiveWeights = {
  longpo: { lambda: 0.01, nllDocument: 1, nllAnswers: 0 },
  dpo: { lambda: 1, nllDocument: 0, nllAnswers: 0 },
  sft: { lambda: 0, nllDocument: 0, nllAnswers: 1 },
  simpo: { lambda: 1, nllDocument: 0, nllAnswers: 0 },
  orpo: { lambda: 0.1, nllDocument: 0, nllAnswers: 1 },
  solopo: { lambda: 1, nllDocument: 0, nllAnswers: 0 },
  opsdl: { lambda: 1, nllDocument: 0, nllAnswers: 0 },
} as const satisfies Record<Objective, { lambda: number; nllDocument: number; nllAnswers: number }>;

/** SoLoPO's weights by its reward; alpha from arXiv 2505.11166. */
export const soloWeights = {
  dpo: { ...objectiveWeights.solopo, alpha: 3 },
  simpo: { ...objectiveWeights.simpo, alpha: 1 },
  orpo: { ...objectiveWeights.orpo, alpha: 1 },
} as const satisfies Record<Reward, object>;

/** Beta by reward: SimPO's 2 (its released configuration) scales means instead of sums; odds are not scaled. */
const betas = { dpo: 0.1, simpo: 2, orpo: 1 } as const satisfies Record<Reward, number>;

/** Fields that only some objectives read, with those objectives. */
export const objectiveOwn = {
  gamma: ['simpo', 'solopo'],
  reward: ['solopo'],
  alpha: ['solopo'],
  maxNewTokens: ['opsdl'],
  temperature: ['opsdl'],
  referenceRope: ['dpo', 'solopo'],
} as const satisfies Record<string, readonly Objective[]>;

/** Objective and reward as a layer of a configuration names them, where it does. */
type Layer = Readonly<Record<string, unknown>>;

/**
 * A layer of a configuration under one that may name another objective, or another reward of SoLoPO: without the fields
 * that those bring their own values of.
 */
export function keptUnder<T extends Layer>(base: T, changes: Layer): Partial<T> {
  const named = (layer: Layer) => objectives.find((name) => name === layer['objective']);
  const rewardIn = (layer: Layer) => rewards.find((name) => name === layer['reward']);
  const from = named(base) ?? 'longpo';
  const to = named(changes) ?? from;
  const [before, after] = [rewardOfObjective(from, rewardIn(base)), rewardOfObjective(to, rewardIn(changes))];
  const sameReward = before === after || (from === to && rewardIn(changes) === undefined);
  if (from === to && sameReward) return base;
  const dropped = new Set([
    ...['lambda', 'nllDocument', 'nllAnswers', ...Object.keys(objectiveOwn)],
    ...(sameReward ? [] : ['beta']),
    ...(singleTurn(to) ? ['turnsPerSample'] : []),
  ]);
  return Object.fromEntries(Object.entries(base).filter(([field]) => !dropped.has(field))) as Partial<T>;
}

/** SoLoPO and OPSDL set one short context against one long one. */
export function singleTurn(objective: Objective): boolean {
  return objective === 'solopo' || objective === 'opsdl';
}

function rewardOfObjective(objective: Objective, reward?: Reward): Reward {
  if (objective === 'simpo' || objective === 'orpo') return objective;
  if (objective === 'opsdl') return 'orpo'; // no beta either
  return objective === 'solopo' ? (reward ?? 'dpo') : 'dpo';
}

const fieldsSchema = z.strictObject({
  objective: z.enum(objectives).default('longpo'),
  /** Strength of the constraint towards the reference; SimPO: scale of the reward. Default by objective. */
  beta: z.number().positive().optional(),
  /** Weight of the preference term (not of the NLL); default by objective, see `objectiveWeights`. */
  lambda: weight.optional(),
  /** Weight of the mean NLL over the whole chosen sequence, document included. */
  nllDocument: weight.optional(),
  /** Weight of the mean NLL over the chosen answers' tokens. */
  nllAnswers: weight.optional(),

  /** SimPO: the margin that the chosen reward must be ahead by (default: half of beta, as its authors advise). */
  gamma: weight.optional(),
  /** SoLoPO: the reward that it is built on (default dpo). */
  reward: z.enum(rewards).optional(),
  /** SoLoPO: weight of the distance between the chosen answer's rewards on the short and the long input. */
  alpha: weight.optional(),
  /** OPSDL: most tokens of a sampled answer, and the temperature of sampling (0 = greedy). */
  maxNewTokens: count.optional(),
  temperature: weight.optional(),

  /** DPO and SoLoPO: whose RoPE base the reference reads the long input with, the policy's (default) or its own. */
  referenceRope: z.enum(['policy', 'own']).optional(),

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
  baseBits: z.enum(baseBits).default('own'),
  /** RoPE base of the policy; null = the model's own. On the short input the reference always keeps the model's own. */
  ropeTheta: z.number().positive().nullable().default(null),
  /** Longest sequence in tokens; a longer example is refused before the run starts, never cut. */
  maxLength: z.int().min(2).default(131072),
  /** Most turns (questions) that one example carries. */
  turnsPerSample: count.optional(),
  gradientCheckpointing: z.enum(['none', 'layer']).default('layer'),
  /**
   * Layers that one run of a gradient step computes; what lies between waits in the computer's memory. 0 = chosen by the
   * memory planner; at least as many as the model has = one run. It does not change results.
   */
  segmentLayers: z.int().min(0).max(1024).default(0),

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
    if (config.baseBits === '4' && config.trainable.kind === 'full') {
      problem('baseBits', 'weights in 4 bits cannot be trained: train a LoRA adapter, or use own');
    }
    const weights = weightsOf(config);
    const { objective } = config;
    const reward = rewardOfObjective(objective, config.reward);
    for (const [field, owners] of Object.entries(objectiveOwn) as [keyof typeof objectiveOwn, readonly Objective[]][]) {
      if (config[field] === undefined || owners.includes(objective)) continue;
      problem(field, `belongs to ${owners.join(' and ')}, not to ${objective}`);
    }
    if (config.gamma !== undefined && objective === 'solopo' && reward !== 'simpo') {
      problem('gamma', `solopo has a margin with the reward simpo only, not with ${reward}`);
    }
    if (reward === 'orpo' && (config.beta ?? 1) !== 1) {
      const weightName = objective === 'opsdl' ? 'there is no reference' : 'the odds ratio has the weight lambda';
      problem('beta', `${objective} has no beta (${weightName}), so it must be 1 or left out`);
    }
    if (singleTurn(objective)) {
      if ((config.turnsPerSample ?? 1) !== 1) {
        problem('turnsPerSample', `${objective} sets one short input against one long input, so it must be 1`);
      }
      if (weights.nllDocument !== 0)
        problem('nllDocument', `${objective} has no NLL of the long sequence, so it must be 0`);
    }
    if (objective === 'opsdl' && weights.nllAnswers !== 0) {
      problem('nllAnswers', 'opsdl reads no stored answers, so it must be 0');
    }
    if (config.objective === 'sft' && weights.lambda !== 0) {
      problem('lambda', 'sft has no preference term, so lambda must be 0');
    }
    if (
      ['simpo', 'opsdl'].includes(objective) &&
      weights.lambda === 0 &&
      weights.nllAnswers + weights.nllDocument > 0
    ) {
      problem('lambda', `without its preference term ${objective} is sft: choose that`);
    }
    if (weights.lambda === 0 && weights.nllDocument === 0 && weights.nllAnswers === 0) {
      problem('lambda', 'lambda, nllDocument and nllAnswers are all 0, so there is nothing to learn');
    }
  })
  .transform(({ gamma, reward, alpha, maxNewTokens, temperature, referenceRope, ...config }) => ({
    ...config,
    ...weightsOf({ ...config, reward }),
    beta: config.beta ?? betas[rewardOfObjective(config.objective, reward)],
    ...ownOf(config, { gamma, reward, alpha, maxNewTokens, temperature, referenceRope }),
    turnsPerSample: config.turnsPerSample ?? (singleTurn(config.objective) ? 1 : 4),
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
  'baseBits',
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

type Fields = z.output<typeof fieldsSchema>;

/** The fields that only this objective has, complete. */
function ownOf(
  { objective, beta = betas.simpo }: Pick<Fields, 'objective' | 'beta'>,
  given: Pick<Fields, keyof typeof objectiveOwn>,
): OwnFields {
  const margin = { gamma: given.gamma ?? 0.5 * beta };
  if (objective === 'simpo') return margin;
  if (objective === 'opsdl') {
    return { maxNewTokens: given.maxNewTokens ?? 512, temperature: given.temperature ?? 1 };
  }
  const referenceRope = given.referenceRope ?? 'policy';
  if (objective === 'dpo') return { referenceRope };
  if (objective !== 'solopo') return {};
  const reward = given.reward ?? 'dpo';
  return {
    referenceRope,
    reward,
    alpha: given.alpha ?? soloWeights[reward].alpha,
    ...(reward === 'simpo' ? margin : {}),
  };
}

interface OwnFields {
  readonly gamma?: number;
  readonly reward?: Reward;
  readonly alpha?: number;
  readonly maxNewTokens?: number;
  readonly temperature?: number;
  readonly referenceRope?: 'policy' | 'own';
}

function weightsOf(config: Pick<Fields, 'objective' | 'reward' | 'lambda' | 'nllDocument' | 'nllAnswers'>): {
  lambda: number;
  nllDocument: number;
  nllAnswers: number;
} {
  const { objective, reward } = config;
  const preset = objective === 'solopo' ? soloWeights[reward ?? 'dpo'] : objectiveWeights[objective];
  return {
    lambda: config.lambda ?? preset.lambda,
    nllDocument: config.nllDocument ?? preset.nllDocument,
    nllAnswers: config.nllAnswers ?? preset.nllAnswers,
  };
}
