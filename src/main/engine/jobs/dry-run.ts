import { UserError } from '../../../shared/errors.ts';
import { weightsFingerprint } from '../model/weights.ts';
import { watchedRunner } from '../model/runner.ts';
import type { DryRunReport } from '../protocol/jobs.ts';
import { splitDocuments } from '../training/data-order.ts';
import { stepTokens, type TrainingExample } from '../training/example.ts';
import type { AnswerLogps } from '../training/objectives.ts';
import { opsdlGradient } from '../training/opsdl.ts';
import { createOptimizer } from '../training/optimizer.ts';
import { referenceContexts, scoreReferences } from '../training/reference.ts';
import { ropeForModel } from '../training/rope-for.ts';
import { referencesOf } from './run-references.ts';
import { buildExamples } from '../training/samples.ts';
import { planRun } from '../training/schedule.ts';
import { applyStep, exampleGradient, GradientSum } from '../training/train-step.ts';
import type { Job } from './job-context.ts';
import { stopIfAborted } from './job-context.ts';
import { frozenName } from './model-holder.ts';
import { loadModelText } from './model-text.ts';
import { readSamples } from './read-samples.ts';
import { trainingModel } from './training-model.ts';

/**
 * Does what a run would do, on its longest example and one of median length: load, score the reference, gradient and
 * update; an answer that OPSDL samples is made as long as it may be. Nothing is stored. The whole time is predicted by a line through both (tokens, seconds) and the sum of tokens.
 */
export const dryRun: Job<'dryRun'> = async ({ modelDir, config, documents }, context) => {
  const report = (done: number, unit = 'parts'): void => {
    context.progress({ phase: 'dry run', done, total: 4, unit, etaSeconds: null });
  };
  report(0);
  const started = performance.now();
  const { builder } = await loadModelText(modelDir);
  const split = splitDocuments(documents.map(String), config.heldOutFraction, config.seed);
  const samples = await readSamples(context, 'train', documents.length);
  const trained = samples.filter(({ documentId }) => !split.heldOut.has(String(documentId)));
  const tokensOf = (example: TrainingExample): number => stepTokens(example, config);
  const byLength = [...buildExamples(builder, trained, config)].sort((a, b) => tokensOf(a) - tokensOf(b));
  const [longest, median] = [byLength.at(-1), byLength[Math.floor((byLength.length - 1) / 2)]];
  if (longest === undefined || median === undefined) {
    throw new UserError('invalid_input', 'There are no examples to try.', { hint: 'Hold fewer documents out.' });
  }
  const heldOut = samples.length > trained.length;
  stopIfAborted(context.signal);
  const runner = await trainingModel(context, { modelDir, config }, { examples: byLength, heldOut });
  const loaded = performance.now();
  report(1);

  const known = new Map<string, AnswerLogps>();
  const cache = {
    get: (key: string) => Promise.resolve(known.get(key)),
    set: (key: string, logps: AnswerLogps) => Promise.resolve(void known.set(key, logps)),
  };
  const fingerprint = frozenName(await weightsFingerprint(modelDir), config.baseBits);
  const references = referencesOf(fingerprint, runner.config, config);
  const parameters = await runner.initialParameters(config.seed);
  const optimizer = createOptimizer(config.optimizer, runner.layout.total);
  const sum = new GradientSum(runner.layout.total);
  const ropeFor = ropeForModel(runner.config, config.ropeTheta);
  const measure = async (example: TrainingExample): Promise<{ reference: number; gradient: number; loss: number }> => {
    stopIfAborted(context.signal);
    const begun = performance.now();
    const options = { contexts: referenceContexts(config), long: { model: references.long, cache } };
    const [scored] = await scoreReferences(runner, [example], references.short, cache, {
      ...options,
      signal: context.signal,
    });
    if (scored === undefined) throw new Error('nothing was scored');
    const referenced = performance.now();
    const watched = watchedRunner(runner, { signal: context.signal });
    const result =
      config.objective === 'opsdl'
        ? await opsdlGradient(watched, scored, config, parameters, ropeFor, 1, [])
        : await exampleGradient(watched, scored, config, parameters, ropeFor);
    const ended = performance.now();
    sum.add(result, scored, 1);
    return { reference: (referenced - begun) / 1000, gradient: (ended - referenced) / 1000, loss: result.loss };
  };
  // The first run of a graph also allocates: the longest example is measured again for its time.
  const first = await measure(longest);
  report(2);
  const other = await measure(median);
  const again = await measure(longest);
  report(3);
  const updating = performance.now();
  applyStep(sum, parameters, optimizer, 0, config.maxGradNorm);
  const update = (performance.now() - updating) / 1000;
  report(4);

  const lengths = byLength.map(tokensOf);
  const { schedule, totalExamples } = planRun(config, byLength.length);
  const passes = totalExamples / byLength.length;
  const seconds = lineThrough([tokensOf(median), other.gradient], [tokensOf(longest), again.gradient]);
  const onePass = lengths.reduce((total, tokens) => total + seconds(tokens), 0);
  const scoring = lineThrough([tokensOf(median), other.reference], [tokensOf(longest), first.reference]);
  const referenceSeconds = lengths.reduce((total, tokens) => total + scoring(tokens), 0);
  const answer: DryRunReport = {
    longest: { document: longest.document.name, tokens: tokensOf(longest), seconds: again.gradient, loss: first.loss },
    median: { tokens: tokensOf(median), seconds: other.gradient },
    loadSeconds: (loaded - started) / 1000,
    referenceSeconds,
    stepSeconds: (onePass * passes) / schedule.totalSteps + update,
    steps: schedule.totalSteps,
    totalSeconds: (loaded - started) / 1000 + referenceSeconds + onePass * passes + update * schedule.totalSteps,
  };
  return answer;
};

/** The line through two measured points, never below zero; through the origin where they have the same length. */
function lineThrough([x1, y1]: readonly [number, number], [x2, y2]: readonly [number, number]): (x: number) => number {
  if (x1 === x2 || y2 <= y1) return (x) => (Math.max(y1, y2) / x2) * x;
  const slope = (y2 - y1) / (x2 - x1);
  return (x) => Math.max(0, y1 + slope * (x - x1));
}
