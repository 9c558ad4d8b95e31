import { loadModelConfig } from '../model/config.ts';
import type { TrainingPlan } from '../protocol/jobs.ts';
import { splitDocuments } from '../training/data-order.ts';
import { buildExamples, countExamples } from '../training/samples.ts';
import { planRun } from '../training/schedule.ts';
import { UserError } from '../../../shared/errors.ts';
import type { RunConfig } from '../../../shared/run-config.ts';
import type { Job } from './job-context.ts';
import { stopIfAborted } from './job-context.ts';
import { loadModelText } from './model-text.ts';
import { readSamples } from './read-samples.ts';

/** Splits the documents, builds all examples once and plans the steps: whatever is wrong shows before a run exists. */
export const prepareTraining: Job<'prepareTraining'> = async ({ modelDir, config, documents }, context) => {
  const modelConfig = await loadModelConfig(modelDir);
  checkPositions(config, modelConfig.maxPositionEmbeddings);
  const { builder } = await loadModelText(modelDir);
  const samples = await readSamples(context, 'train', documents.length);
  const split = splitDocuments(documents.map(String), config.heldOutFraction, config.seed);
  const isHeldOut = (sample: { readonly documentId: number }): boolean => split.heldOut.has(String(sample.documentId));
  stopIfAborted(context.signal);
  const examples = [
    ...buildExamples(
      builder,
      samples.filter((sample) => !isHeldOut(sample)),
      config,
    ),
  ];
  const heldOut = [...buildExamples(builder, samples.filter(isHeldOut), config)];
  const counts = countExamples(examples, config);
  const plan: TrainingPlan = {
    heldOut: [...split.heldOut].map(Number),
    examples: examples.length,
    heldOutExamples: heldOut.length,
    steps: planRun(config, examples.length).schedule.totalSteps,
    longestTokens: counts.longestTokens,
    packedTokens: counts.packedTokens,
    unpackedTokens: counts.unpackedTokens,
  };
  return plan;
};

/** A model reads positions beyond the ones it was made for only under another RoPE base. */
function checkPositions(config: RunConfig, positions: number): void {
  if (config.ropeTheta !== null || config.maxLength <= positions || config.maxLength === DEFAULT_MAX_LENGTH) return;
  throw new UserError(
    'invalid_input',
    `maxLength is ${config.maxLength}, but the model was made for ${positions} positions.`,
    { place: { field: 'maxLength' }, hint: 'Raise ropeTheta for longer inputs, or lower maxLength.' },
  );
}

const DEFAULT_MAX_LENGTH = 131072;
