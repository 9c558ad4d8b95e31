import { UserError } from '../../../shared/errors.ts';
import { weightsFingerprint } from '../model/weights.ts';
import { sumTokens } from '../training/objectives.ts';
import { referenceScorer, scoreShort } from '../training/reference.ts';
import { ropeForModel } from '../training/rope-for.ts';
import { shortTrees } from '../training/samples.ts';
import type { Job } from './job-context.ts';
import { paced } from './job-context.ts';
import { loadModelText } from './model-text.ts';
import { readSamples } from './read-samples.ts';
import { ReferenceStore } from './reference-store.ts';

/** Samples that are read and stored together. */
const atOnce = 16;

/**
 * Log-probabilities of pairs under the model as it is, on their chunks: what a training run's reference scores are, from
 * the same store, so that neither computes what the other has. A stop costs the pairs that were not stored yet.
 */
export const scorePairs: Job<'scorePairs'> = async (input, context) => {
  const { modelDir, samples, device, threads } = input;
  const fingerprint = await weightsFingerprint(modelDir);
  if (fingerprint !== input.modelFingerprint) {
    throw new UserError('conflict', `The model in ${modelDir} was changed since this began.`, {
      hint: 'Start again with the model as it is now.',
      place: { file: modelDir },
    });
  }
  context.progress({ phase: 'load', done: 0, total: 1, unit: 'models', etaSeconds: null });
  const { builder } = await loadModelText(modelDir);
  const runner = await context.models.get({
    ...{ modelDir, device, threads, trainable: { kind: 'frozen' }, programs: ['score'] },
  });
  const model = { fingerprint, rope: runner.config.rope, ropeFor: ropeForModel(runner.config, null) };
  const store = new ReferenceStore(context, model);
  const score = await referenceScorer(runner, model, store);
  const progress = paced(context, 'score', 'samples');
  let pairs = 0;
  for (let from = 0; from < samples; from += atOnce) {
    const part = await readSamples(context, 'train', Math.min(atOnce, samples - from), from);
    const rows = part.map((sample) => ({ sample, short: shortTrees(builder, sample) }));
    await store.loadTrees(rows.flatMap(({ short }) => short));
    for (const [index, { sample, short }] of rows.entries()) {
      let logps;
      try {
        logps = await scoreShort(score, short, sample.documentTitle, context.signal);
      } finally {
        await store.flush();
      }
      const { chosen, rejected } = logps;
      const scores = sample.turns.map(({ pairId, revision }, turn) => ({
        ...{ pairId, revision },
        // One list of token values for each turn.
        chosen: sumTokens(chosen[turn] ?? new Float32Array()),
        rejected: sumTokens(rejected[turn] ?? new Float32Array()),
      }));
      await context.emit({ type: 'pairScores', rows: scores });
      pairs += scores.length;
      progress(from + index + 1, samples);
    }
  }
  return { pairs };
};
