import type { RunConfig } from '../../../shared/run-config.ts';

/** Learning-rate schedule, as transformers' get_{cosine,linear,constant}_schedule_with_warmup. */
export interface Schedule {
  readonly name: RunConfig['schedule'];
  readonly warmupSteps: number;
  readonly totalSteps: number;
}

/**
 * Factor on the peak learning rate for optimizer step `step` = 0, 1, ... Warm-up rises linearly from 0, so with
 * warm-up the first step has rate 0: it fills the optimizer's moments and changes nothing.
 */
export function learningRateMultiplier({ name, warmupSteps, totalSteps }: Schedule, step: number): number {
  if (step < warmupSteps) return step / Math.max(1, warmupSteps);
  const progress = (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
  switch (name) {
    case 'cosine':
      return Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
    case 'linear':
      return Math.max(0, (totalSteps - step) / Math.max(1, totalSteps - warmupSteps));
    case 'constant':
      return 1;
  }
}

/** Warm-up steps from a share of all steps, rounded up (transformers' `TrainingArguments.get_warmup_steps`). */
export function warmupStepsFromRatio(ratio: number, totalSteps: number): number {
  return Math.ceil(totalSteps * ratio);
}

/** Length and schedule of a run over `examples` examples. */
export interface RunPlan {
  readonly schedule: Schedule;
  /** Examples that are read in all: the last step holds what is left over from full batches. */
  readonly totalExamples: number;
}

/** Works out steps, examples and warm-up from a run's configuration. */
export function planRun(
  config: Pick<RunConfig, 'schedule' | 'epochs' | 'maxSteps' | 'batchSize' | 'warmupRatio' | 'warmupSteps'>,
  examples: number,
): RunPlan {
  const totalExamples =
    config.maxSteps === null ? Math.ceil(examples * (config.epochs ?? 1) - 1e-9) : config.maxSteps * config.batchSize;
  const totalSteps = Math.ceil(totalExamples / config.batchSize);
  const warmupSteps = config.warmupSteps ?? warmupStepsFromRatio(config.warmupRatio ?? 0, totalSteps);
  return { schedule: { name: config.schedule, warmupSteps, totalSteps }, totalExamples };
}
