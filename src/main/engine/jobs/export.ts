import { loadModelConfig } from '../model/config.ts';
import { INT4_NAME } from '../model/int4-weights.ts';
import { exportMergedModel } from '../model/merge.ts';
import { writeAdapter } from '../model/peft.ts';
import { openWeights, weightsFingerprint } from '../model/weights.ts';
import type { Job } from './job-context.ts';
import { paced } from './job-context.ts';
import { layoutOf, readTrained } from './trained-parameters.ts';

/** Writes a checkpoint's adapter as a PEFT folder. */
export const exportAdapter: Job<'exportAdapter'> = async (input) => {
  const { modelDir, checkpoint, trainable, dir, baseModel, baseBits } = input;
  const layout = layoutOf(await loadModelConfig(modelDir), trainable);
  const vector = await readTrained(checkpoint, await weightsFingerprint(modelDir), layout);
  await writeAdapter(dir, { layout, vector, baseModel, ...(baseBits === '4' ? { basePrecision: INT4_NAME } : {}) });
  return { dir };
};

/** Writes a model folder with a checkpoint's weights. */
export const exportMerged: Job<'exportMerged'> = async (input, context) => {
  const { modelDir, checkpoint, trainable, dir, dtype, ropeTheta, scale } = input;
  const config = await loadModelConfig(modelDir);
  const layout = layoutOf(config, trainable);
  await exportMergedModel(dir, {
    ...{ sourceDir: modelDir, config, layout, dtype, scale },
    weights: await openWeights(modelDir, config),
    vector: await readTrained(checkpoint, await weightsFingerprint(modelDir), layout),
    ...(ropeTheta === null ? {} : { ropeTheta }),
    onProgress: paced(context, 'export', 'tensors'),
  });
  return { dir };
};
