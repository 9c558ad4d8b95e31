/** Learning-rate schedules, as transformers' get_{cosine,linear,constant}_schedule_with_warmup. */
export type ScheduleName = 'cosine' | 'linear' | 'constant';

export interface Schedule {
  readonly name: ScheduleName;
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

/** Optimizer steps of a run: the last step may hold fewer examples than `batchSize`. */
export function totalStepsOf(examples: number, epochs: number, batchSize: number): number {
  return Math.ceil(Math.ceil(examples * epochs) / batchSize);
}
