import { UserError } from '../../../shared/errors.ts';
import type { RunConfig } from '../../../shared/run-config.ts';
import type { JobContext } from './job-context.ts';

type Training<Input, Context, Result> = (input: Input, context: Context) => Promise<Result>;

/** A training job whose errors about memory say which setting of its configuration would help most. */
export function withMemoryAdvice<Input extends { readonly config: RunConfig }, Kind extends 'train' | 'dryRun', Result>(
  job: Training<Input, JobContext<Kind>, Result>,
): Training<Input, JobContext<Kind>, Result> {
  return async (input, context) => {
    try {
      return await job(input, context);
    } catch (error) {
      if (!(error instanceof UserError) || error.code !== 'no_memory') throw error;
      throw new UserError('no_memory', error.message, {
        hint: memoryAdvice(input.config),
        place: error.place,
        cause: error,
      });
    }
  };
}

/** What to change first: checkpointing costs a third of the time, an adapter little, shorter pairs data. */
export function memoryAdvice(config: Pick<RunConfig, 'gradientCheckpointing' | 'trainable' | 'maxLength'>): string {
  const first =
    config.gradientCheckpointing === 'none'
      ? 'Turn gradient checkpointing on (--gradient-checkpointing layer)'
      : config.trainable.kind === 'full'
        ? 'Train a LoRA adapter instead of all weights (--trainable lora)'
        : `Leave out the longest documents (maxLength is ${config.maxLength})`;
  return `${first}; longhand plan shows what needs how much.`;
}
