import type { ObjectiveInput } from '../model/runner.ts';
import { exactKl, type ExactKl } from '../training/exact-kl.ts';
import { preferenceReference } from '../training/example.ts';
import { preferenceValues, type AnswerLogps, type ObjectiveSettings, type Span } from '../training/objectives.ts';
import { perSide, SIDES, type ExampleValues, type PerSide, type Side } from './example-values.ts';
import type { GoldenExample, GoldenSequence } from './longpo-inputs.ts';
import { nextTokenTargets, plainRow } from './rows.ts';
import { stateFor, type PolicyAndReference } from './policy.ts';

/** Measures one example without packing: every sequence is a row of its own. What the packed pair must agree with. */
export async function separateValues(model: PolicyAndReference, example: GoldenExample): Promise<ExampleValues> {
  const long = {
    chosen: await everyLogp(model, 'policy', example.chosen),
    rejected: await everyLogp(model, 'policy', example.rejected),
  };
  const policy = perSide((side) => cut(long[side], example[side].response_spans));
  const short: Record<Side, Float32Array[]> = { chosen: [], rejected: [] };
  const referenceLong: Record<Side, Float32Array[]> = { chosen: [], rejected: [] };
  const kl: Record<Side, ExactKl[]> = { chosen: [], rejected: [] };
  for (const side of SIDES) {
    const { response_spans: spans } = example[side];
    referenceLong[side] = cut(await everyLogp(model, 'reference', example[side]), spans);
    for (const [turn, pair] of example.turns.entries()) {
      const sequence = pair[side];
      const [logps] = cut(await everyLogp(model, 'reference', sequence), sequence.response_spans);
      if (logps === undefined) throw new Error('readLongpoInputs asks for one answer in a short sequence');
      short[side].push(logps);
      const own = await vocabulary(model, 'policy', example[side], spans[turn]);
      const other = await vocabulary(model, 'reference', sequence, sequence.response_spans[0]);
      kl[side].push(exactKl(own, other, model.runner.config.vocabSize));
    }
  }
  return { id: example.id, policy, long, reference: { short, long: referenceLong }, kl };
}

async function everyLogp(
  model: PolicyAndReference,
  which: 'policy' | 'reference',
  sequence: GoldenSequence,
): Promise<Float32Array> {
  const tokens = plainRow(sequence.input_ids);
  return model.runner.score(tokens, nextTokenTargets(tokens.ids), stateFor(model[which], tokens));
}

async function vocabulary(
  model: PolicyAndReference,
  which: 'policy' | 'reference',
  sequence: GoldenSequence,
  [start, end]: Span = [1, 1],
): Promise<Float32Array> {
  const tokens = plainRow(sequence.input_ids);
  const rows = Int32Array.from({ length: end - start }, (_, i) => start + i - 1);
  return model.runner.logProbabilities(tokens, rows, stateFor(model[which], tokens));
}

/** The answers' parts of a sequence's log-probabilities [T - 1]. */
function cut(logps: Float32Array, spans: readonly Span[]): Float32Array[] {
  return spans.map(([start, end]) => logps.slice(start - 1, end - 1));
}

/** Gradients [P] that every objective of one example is a sum of. */
export interface ExampleGradients {
  readonly nllFull: Float32Array;
  /** Of the sum of each side's answer log-probabilities. */
  readonly sums: PerSide<Float32Array>;
}

/** Three gradients of separate sequences: mean NLL of the chosen one, and the answers' sums of both. */
export async function separateGradients(model: PolicyAndReference, example: GoldenExample): Promise<ExampleGradients> {
  const { chosen, rejected } = example;
  const all = chosen.input_ids.length - 1;
  const nllFull = await weightedGradient(model, chosen, new Float32Array(all).fill(1 / all));
  const answers = (sequence: GoldenSequence): Promise<Float32Array> => {
    const weights = new Float32Array(sequence.input_ids.length - 1);
    for (const [start, end] of sequence.response_spans) weights.fill(-1, start - 1, end - 1);
    return weightedGradient(model, sequence, weights);
  };
  return { nllFull, sums: { chosen: await answers(chosen), rejected: await answers(rejected) } };
}

/** Gradient of -sum of weight * log p over a sequence's tokens but the first. */
async function weightedGradient(
  model: PolicyAndReference,
  sequence: GoldenSequence,
  nllWeight: Float32Array,
): Promise<Float32Array> {
  const tokens = plainRow(sequence.input_ids);
  const none = new Float32Array(nllWeight.length);
  const objective: ObjectiveInput = {
    nllWeight,
    chosenMask: none,
    rejectedMask: none,
    referenceChosen: 0,
    referenceRejected: 0,
    beta: 1,
    lambda: 0,
    odds: false,
  };
  const targets = nextTokenTargets(tokens.ids);
  return (await model.runner.gradients(tokens, targets, objective, stateFor(model.policy, tokens))).gradient;
}

/** Mean gradient [P] of an objective over examples, by the chain rule from their separate gradients, in float64. */
export function combinedGradient(
  examples: readonly { readonly values: ExampleValues; readonly gradients: ExampleGradients }[],
  settings: ObjectiveSettings,
): Float32Array {
  const size = examples[0]?.gradients.nllFull.length ?? 0;
  const total = new Float64Array(size);
  for (const { values, gradients } of examples) {
    const { policy, reference } = values;
    const answers = policy.chosen.reduce((sum, turn) => sum + turn.length, 0);
    const push = preferencePush(policy, preferenceReference(settings.objective, reference), settings);
    const { nllFull, sums } = gradients;
    for (let i = 0; i < size; i += 1) {
      const chosen = sums.chosen[i] as number; // all vectors are [P]
      const rejected = sums.rejected[i] as number;
      const value =
        settings.nllDocument * (nllFull[i] as number) -
        (settings.nllAnswers / answers) * chosen +
        push * (chosen - rejected);
      total[i] = (total[i] as number) + value / examples.length;
    }
  }
  return Float32Array.from(total);
}

/** d(lambda * -log sigmoid(beta z)) / dz = -lambda * beta * sigmoid(-beta z). */
function preferencePush(
  policy: AnswerLogps,
  reference: AnswerLogps | undefined,
  { lambda, beta }: ObjectiveSettings,
): number {
  if (lambda === 0 || reference === undefined) return 0;
  const { margin } = preferenceValues(policy, reference, { objective: 'longpo', beta });
  return (-lambda * beta) / (1 + Math.exp(margin));
}
