import { dirname } from 'node:path';
import * as ort from 'onnxruntime-node';
import { UserError } from '../../../shared/errors.ts';
import { weightsFingerprint } from '../model/weights.ts';
import { checkpointIdentity } from '../training/checkpoint-identity.ts';
import { CheckpointFolder } from '../training/checkpoints.ts';
import { ropeForModel } from '../training/rope-for.ts';
import { buildExamples } from '../training/samples.ts';
import { train as trainLoop } from '../training/trainer.ts';
import type { Progress, TrainEvent } from '../training/trainer.ts';
import type { Job, JobContext } from './job-context.ts';
import { paced } from './job-context.ts';
import { frozenName } from './model-holder.ts';
import { loadModelText } from './model-text.ts';
import { readSamples } from './read-samples.ts';
import { referencesOf, scoreForRun } from './run-references.ts';
import { trainingModel } from './training-model.ts';

/**
 * One run, from its samples to its last checkpoint. Stopped by the signal it writes a checkpoint and ends as `stopped`
 * (before the first step: `cancelled`). Every metric and checkpoint is stored before the next step begins.
 */
export const train: Job<'train'> = async (input, context) => {
  const { modelDir, config } = input;
  const fingerprint = await weightsFingerprint(modelDir);
  if (fingerprint !== input.modelFingerprint) {
    throw new UserError('conflict', `The model in ${modelDir} is not the one that the run was made for.`, {
      hint: "Name the folder of the run's own model, or start a new run.",
      place: { file: modelDir },
    });
  }
  const started = performance.now();
  context.progress({ phase: 'load', done: 0, total: 1, unit: 'models', etaSeconds: null });
  const { builder } = await loadModelText(modelDir);
  const examples = [...buildExamples(builder, await readSamples(context, 'train', input.samples), config)];
  const heldOutSamples = await readSamples(context, 'heldOut', input.heldOutSamples);
  const heldOutExamples = [...buildExamples(builder, heldOutSamples, config)];
  const runner = await trainingModel(context, { modelDir, config }, { examples, heldOut: heldOutExamples.length > 0 });
  const loaded = performance.now();

  const references = referencesOf(frozenName(fingerprint, config.baseBits), runner.config, config);
  const [scored = [], heldOut = []] = await scoreForRun(
    context,
    runner,
    references,
    config,
    [examples, heldOutExamples],
    {
      onProgress: paced(context, 'reference', 'examples'),
      signal: context.signal,
    },
  );
  const referenced = performance.now();

  const checkpoints = new CheckpointFolder(input.checkpointDir, {
    layout: runner.layout,
    identity: checkpointIdentity(fingerprint, config, examples),
    versions: { longhand: input.codeVersion, node: process.version, onnxruntime: ort.env.versions.node ?? '' },
  });
  const { parent } = input;
  const inherited =
    parent === null
      ? {}
      : {
          parent: await new CheckpointFolder(dirname(parent.checkpoint), {
            ...{ layout: runner.layout, versions: {} },
            identity: checkpointIdentity(fingerprint, parent.config, examples),
          }).load(parent.checkpoint),
        };
  const events = trainLoop({
    ...{ runner, config, train: scored, heldOut, checkpoints },
    referenceRope: references.short.ropeFor,
    policyRope: ropeForModel(runner.config, config.ropeTheta),
    ...inherited,
    resume: input.resume,
    signal: context.signal,
    onPart: (progress) => {
      showProgress(progress, context);
    },
  });
  let next = await events.next();
  for (; next.done !== true; next = await events.next()) await report(next.value, context);
  const { status, step, checkpoint } = next.value;
  const seconds = (from: number, to: number): number => (to - from) / 1000;
  return {
    status,
    step,
    checkpoint,
    seconds: {
      load: seconds(started, loaded),
      reference: seconds(loaded, referenced),
      train: seconds(referenced, performance.now()),
    },
  };
};

async function report(event: TrainEvent, context: JobContext<'train'>): Promise<void> {
  switch (event.type) {
    case 'started':
      await context.emit({ ...event, type: 'trainingStarted' });
      return;
    case 'metrics':
    case 'checkpoint':
      await context.emit(event);
      return;
    case 'notice':
      context.notice(event.message);
      return;
    case 'progress':
      showProgress(event, context);
  }
}

function showProgress(
  { examples, totalExamples, part, etaSeconds }: Progress,
  context: Pick<JobContext<'train'>, 'progress'>,
): void {
  const within = part === undefined ? {} : { part };
  context.progress({ phase: 'train', done: examples, total: totalExamples, unit: 'examples', ...within, etaSeconds });
}
