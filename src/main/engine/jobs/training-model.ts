import { reserveBytes, stepRequest } from '../../../shared/memory-plan.ts';
import type { RunConfig } from '../../../shared/run-config.ts';
import { loadModelConfig } from '../model/config.ts';
import { planShape } from '../model/plan-shape.ts';
import type { Program } from '../resident/resident-graph.ts';
import type { ResidentModel } from '../resident/resident-model.ts';
import { stepTokens } from '../training/example.ts';
import type { TrainingExample } from '../training/example.ts';
import type { JobContext } from './job-context.ts';

/** The programs that a run needs. */
function trainingPrograms({ objective }: Pick<RunConfig, 'objective'>, heldOut: boolean): readonly Program[] {
  const programs: Program[] = ['score', 'gradients'];
  if (heldOut) programs.push('logProbabilities');
  if (objective === 'opsdl') programs.push('generate');
  return programs;
}

/** The model as a run trains it, with the card's memory taken for the step of its longest example. */
export async function trainingModel(
  context: Pick<JobContext<'train' | 'dryRun'>, 'models' | 'signal' | 'progress'>,
  { modelDir, config }: { readonly modelDir: string; readonly config: RunConfig },
  { examples, heldOut }: { readonly examples: readonly TrainingExample[]; readonly heldOut: boolean },
): Promise<ResidentModel> {
  const tokens = examples.reduce((most, example) => Math.max(most, stepTokens(example, config)), 0);
  return context.models.get({
    ...{ modelDir, device: config.device, threads: config.threads, baseBits: config.baseBits },
    ...{ signal: context.signal, progress: context.progress },
    trainable: config.trainable,
    checkpointing: config.gradientCheckpointing,
    segmentLayers: config.segmentLayers,
    reserveBytes: reserveBytes(planShape(await loadModelConfig(modelDir)), stepRequest(config, tokens)),
    programs: trainingPrograms(config, heldOut),
  });
}
