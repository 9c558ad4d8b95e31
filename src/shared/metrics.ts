/** What is known about one metric. */
export interface MetricInfo {
  /** Name for a chart's title. */
  readonly label: string;
  /** Unit for an axis; '' for a pure number. */
  readonly unit: string;
  readonly meaning: string;
  /** False for what depends on the clock or the machine: such a metric may differ between two equal runs. */
  readonly deterministic: boolean;
}

const exact = (label: string, unit: string, meaning: string): MetricInfo => ({
  label,
  unit,
  meaning,
  deterministic: true,
});
const measured = (label: string, unit: string, meaning: string): MetricInfo => ({
  label,
  unit,
  meaning,
  deterministic: false,
});

/**
 * The metrics of a training step. Names are TRL's (DPOTrainer) where TRL has one; `kl/*`, `preference_loss` and the
 * parts of the NLL are Longhand's. Means are over the examples of the step. Conventions: docs and golden values.
 */
export const trainingMetrics = {
  loss: exact('Loss', 'nats', 'The whole objective: weighted NLL terms plus lambda times the preference term.'),
  nll: exact('NLL', 'nats/token', 'The weighted sum of the NLL terms, as it enters the loss.'),
  'nll/document': exact(
    'NLL, whole sequence',
    'nats/token',
    'Mean NLL over all predicted tokens of the chosen sequence.',
  ),
  'nll/answers': exact('NLL, answers', 'nats/token', 'Mean NLL over the tokens of the chosen answers.'),
  preference_loss: exact(
    'Preference loss',
    'nats',
    '-log sigmoid(reward margin - gamma), before it is multiplied by lambda; OPSDL: the reverse KL, a token.',
  ),
  'rewards/chosen': exact(
    'Reward, chosen',
    'nats',
    'beta times the log ratio of policy (long) to reference, chosen. SimPO: beta times the mean log-probability; ORPO: its log odds.',
  ),
  'rewards/rejected': exact(
    'Reward, rejected',
    'nats',
    'beta times the log ratio of policy (long) to reference, rejected. SimPO, ORPO: as for chosen.',
  ),
  'rewards/margins': exact('Reward margin', 'nats', 'Reward of chosen minus reward of rejected.'),
  'rewards/accuracies': exact(
    'Reward accuracy',
    '',
    'Share of examples whose chosen reward is above the rejected one.',
  ),
  'rewards/short_to_long_gap': exact(
    'Reward gap, short to long',
    'nats',
    'SoLoPO: distance between the chosen rewards on the short and on the long input, before alpha; the other rewards are those on the short input.',
  ),
  'completions/mean_length': exact('Length of samples', 'tokens', 'OPSDL: mean length of the sampled answers.'),
  'logps/chosen': exact('Log-probability, chosen', 'nats', "Policy's summed log-probability of the chosen answers."),
  'logps/rejected': exact(
    'Log-probability, rejected',
    'nats',
    "Policy's summed log-probability of the rejected answers.",
  ),
  'kl/short_to_long/chosen': exact(
    'KL to reference (short context), chosen',
    'nats/token',
    'Mean of log pi(y|long) - log ref(y|short) over the chosen tokens; an estimate, not the exact KL.',
  ),
  'kl/short_to_long/rejected': exact(
    'KL to reference (short context), rejected',
    'nats/token',
    'Mean of log pi(y|long) - log ref(y|short) over the rejected tokens; an estimate, not the exact KL.',
  ),
  'kl/short_to_long_k3/chosen': exact(
    'KL to reference (k3), chosen',
    'nats/token',
    'Mean of exp(-r) - 1 + r with r the log ratio of a chosen token: never negative, less noisy than its mean.',
  ),
  'kl/short_to_long_k3/rejected': exact(
    'KL to reference (k3), rejected',
    'nats/token',
    'Mean of exp(-r) - 1 + r with r the log ratio of a rejected token: never negative, less noisy than its mean.',
  ),
  grad_norm: exact('Gradient norm', '', 'L2 norm of the whole gradient before clipping.'),
  learning_rate: exact('Learning rate', '', 'Learning rate of this step.'),
  num_tokens: exact('Tokens', 'tokens', 'Tokens the policy has read since the start of the run.'),
  epoch: exact('Epoch', 'epochs', 'Passes over the training examples since the start of the run.'),
  tokens_per_second: measured('Speed', 'tokens/s', 'Tokens the policy read in this step by the time the step took.'),
  step_seconds: measured('Step time', 's', 'Time of the step, forward, backward and update.'),
  elapsed_seconds: measured('Elapsed', 's', 'Training time since the start of the run, pauses left out.'),
  'memory/rss_bytes': measured('Memory, engine', 'bytes', 'Resident memory of the engine process.'),
  'memory/gpu_bytes': measured('Memory, GPU', 'bytes', 'Memory in use on the GPU.'),
} as const satisfies Record<string, MetricInfo>;

export type TrainingMetric = keyof typeof trainingMetrics;

/** Metrics over the held-out pairs: TRL's `eval_` names, plus the exact KL, which is too dear for every step. */
export const heldOutMetrics = {
  eval_loss: trainingMetrics.loss,
  eval_nll: trainingMetrics.nll,
  'eval_nll/document': trainingMetrics['nll/document'],
  'eval_nll/answers': trainingMetrics['nll/answers'],
  eval_preference_loss: trainingMetrics.preference_loss,
  'eval_rewards/chosen': trainingMetrics['rewards/chosen'],
  'eval_rewards/rejected': trainingMetrics['rewards/rejected'],
  'eval_rewards/margins': trainingMetrics['rewards/margins'],
  'eval_rewards/accuracies': trainingMetrics['rewards/accuracies'],
  'eval_rewards/short_to_long_gap': trainingMetrics['rewards/short_to_long_gap'],
  'eval_logps/chosen': trainingMetrics['logps/chosen'],
  'eval_logps/rejected': trainingMetrics['logps/rejected'],
  'eval_kl/short_to_long/chosen': trainingMetrics['kl/short_to_long/chosen'],
  'eval_kl/short_to_long/rejected': trainingMetrics['kl/short_to_long/rejected'],
  'eval_kl/short_to_long_k3/chosen': trainingMetrics['kl/short_to_long_k3/chosen'],
  'eval_kl/short_to_long_k3/rejected': trainingMetrics['kl/short_to_long_k3/rejected'],
  'eval_kl/exact/chosen': exact(
    'Exact KL to reference (short context), chosen',
    'nats/token',
    'KL(pi(.|long) || ref(.|short)) over the whole vocabulary, mean over the chosen tokens.',
  ),
  'eval_kl/exact/rejected': exact(
    'Exact KL to reference (short context), rejected',
    'nats/token',
    'KL(pi(.|long) || ref(.|short)) over the whole vocabulary, mean over the rejected tokens.',
  ),
  eval_seconds: measured('Held-out evaluation time', 's', 'Time of the evaluation on held-out pairs.'),
} as const satisfies Record<string, MetricInfo>;

export type HeldOutMetric = keyof typeof heldOutMetrics;
export type MetricName = TrainingMetric | HeldOutMetric;

/** Every metric that a run may log. */
export const metrics: Readonly<Record<MetricName, MetricInfo>> = { ...trainingMetrics, ...heldOutMetrics };

/** True for a name in the table. */
export function isMetricName(name: string): name is MetricName {
  return Object.hasOwn(metrics, name);
}

/** One measured value; NaN and infinities are values too (a run that diverged must show it). */
export interface MetricRow {
  readonly step: number;
  readonly key: MetricName;
  readonly value: number;
}

/** Values of one metric over rising steps, as two lists of the same length. */
export interface MetricCurve {
  readonly key: MetricName;
  readonly steps: readonly number[];
  readonly values: readonly number[];
}
