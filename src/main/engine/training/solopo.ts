import type { Reward } from '../../../shared/run-config.ts';
import type { ModelRunner } from '../model/runner.ts';
import { logpMetrics, type MetricValues } from './example-metrics.ts';
import type { ExampleResult } from './example-result.ts';
import { positionsOf, type ExampleReference, type RopeFor, type ScoredExample } from './example.ts';
import { linearGradient } from './linear-gradient.ts';
import {
  answerLogps,
  buildTargets,
  chosenOnly,
  objectiveInput,
  objectiveValue,
  rewardKind,
  rewardOf,
  type AnswerLogps,
  type AnswerTree,
  type ObjectiveSettings,
  type ObjectiveTargets,
} from './objectives.ts';
import { addInPlace } from './optimizer.ts';

/**
 * SoLoPO (arXiv 2505.11166): L_PO(x_short; y_w, y_l) + alpha * |r(x_short, y_w) - r(x_long, y_w)|, L_PO and the reward r
 * those of DPO, SimPO or ORPO. The preference is learned on the short input; the chosen answer's reward on the long input
 * (read without the rejected answer) is drawn to the one on the short input, and the other way round: both move.
 * DPO's reward on the long input has its reference on the long input. One turn an example.
 */
export async function soloGradient(
  runner: ModelRunner,
  example: ScoredExample,
  settings: ObjectiveSettings,
  parameters: Float32Array,
  ropeFor: RopeFor,
): Promise<ExampleResult> {
  const rows = soloRows(example, settings);
  const { short, long } = rows;
  const state = (tree: AnswerTree) => ({ parameters, rope: ropeFor(positionsOf(tree)) });
  const shortLogps = await runner.score(short.tree.tokens, short.targets.targets, state(short.tree));
  // The reward is a function of one weighted sum of log-probabilities: its gradient is that sum's, scaled afterwards.
  const weights = Float64Array.from(long.targets.chosenMask);
  const onLong = await linearGradient(runner, long.tree.tokens, long.targets.targets, weights, state(long.tree));
  const values = soloValues(rows, settings, shortLogps, onLong.logps);
  const slopes = values.slopes.map((slope, m) => slope + values.pull.short * (short.targets.chosenMask[m] ?? NaN));
  const onShort = await linearGradient(runner, short.tree.tokens, short.targets.targets, slopes, state(short.tree));
  const gradient = onLong.gradient.map((value) => value * values.pull.long);
  addInPlace(gradient, onShort.gradient);
  return {
    loss: values.loss,
    metrics: values.metrics,
    pairs: [],
    tokens: short.tree.tokens.ids.length + long.tree.tokens.ids.length,
    gradient,
  };
}

/** Loss and metrics of one example, without a gradient. */
export async function soloMetrics(
  runner: ModelRunner,
  example: ScoredExample,
  settings: ObjectiveSettings,
  parameters: Float32Array,
  ropeFor: RopeFor,
): Promise<MetricValues> {
  const rows = soloRows(example, settings);
  const score = ({ tree, targets }: SoloRow) =>
    runner.score(tree.tokens, targets.targets, { parameters, rope: ropeFor(positionsOf(tree)) });
  const shortLogps = await score(rows.short);
  return soloValues(rows, settings, shortLogps, await score(rows.long)).metrics;
}

interface SoloRow {
  readonly tree: AnswerTree;
  readonly targets: ObjectiveTargets;
  readonly reference: AnswerLogps | undefined;
}

interface SoloRows {
  readonly kind: Reward;
  readonly short: SoloRow;
  readonly long: SoloRow;
  readonly reference: ExampleReference;
}

function soloRows({ id, tree, short: shorts, reference }: ScoredExample, settings: ObjectiveSettings): SoloRows {
  const [short, ...others] = shorts;
  if (short === undefined || others.length > 0) throw new Error(`SoLoPO needs one turn, example ${id} has others.`);
  const long = chosenOnly(tree);
  const kind = rewardKind(settings);
  if (kind === 'dpo' && (reference.short === undefined || reference.long === undefined)) {
    throw new Error('The preference term has no reference.');
  }
  // With NLL weight 1 the chosen answer is targeted whatever lambda is; the weight itself is not read.
  const chosenOnLong = { ...settings, lambda: 0, nllDocument: 0, nllAnswers: 1 };
  const targets = buildTargets(long, chosenOnLong);
  const count = targets.chosenTurns.reduce((sum, [start, end]) => sum + end - start, 0);
  const chosenMask = targets.nllWeight.map(() => (kind === 'dpo' ? 1 : 1 / count));
  return {
    kind,
    short: { tree: short, targets: buildTargets(short, settings), reference: reference.short },
    long: { tree: long, targets: { ...targets, chosenMask }, reference: reference.long },
    reference,
  };
}

function soloValues(
  { kind, short, long, reference }: SoloRows,
  settings: ObjectiveSettings,
  shortLogps: Float32Array,
  longLogps: Float32Array,
) {
  const own = { ...settings, objective: kind };
  const onShort = answerLogps(shortLogps, short.targets);
  const onLong = answerLogps(longLogps, long.targets);
  const { loss, nll, preference, slopes } = objectiveValue(
    shortLogps,
    objectiveInput(short.targets, own, short.reference),
  );
  const rewardShort = rewardOf(own, onShort.chosen, short.reference?.chosen);
  const rewardLong = rewardOf(own, onLong.chosen, long.reference?.chosen);
  const gap = rewardShort - rewardLong;
  const alpha = settings.alpha ?? 0;
  const total = loss + alpha * Math.abs(gap);
  const pull = alpha * Math.sign(gap);
  const metrics: MetricValues = {
    loss: total,
    nll,
    preference_loss: preference,
    ...logpMetrics(shortLogps, short.targets, own, kind === 'dpo' ? reference : {}),
    'rewards/short_to_long_gap': Math.abs(gap),
  };
  // The KL that every objective shows compares the long input with the reference on the short one.
  for (const name of ['kl/short_to_long', 'kl/short_to_long_k3'] as const) delete metrics[`${name}/rejected`];
  const { 'kl/short_to_long/chosen': k1, 'kl/short_to_long_k3/chosen': k3 } = logpMetrics(
    ...([longLogps, long.targets, own, reference] as const),
  );
  if (k1 !== undefined) metrics['kl/short_to_long/chosen'] = k1;
  if (k3 !== undefined) metrics['kl/short_to_long_k3/chosen'] = k3;
  return {
    loss: total,
    metrics,
    slopes,
    pull: {
      short: pull * rewardSlope(own, kind, onShort.chosen),
      long: -pull * rewardSlope(own, kind, onLong.chosen),
    },
  };
}

/** d reward / d (weighted sum of the answer's log-probabilities). */
function rewardSlope({ beta }: ObjectiveSettings, kind: Reward, turns: readonly Float32Array[]): number {
  if (kind !== 'orpo') return beta;
  const tokens = turns.flatMap((turn) => [...turn]);
  return 1 / -Math.expm1(tokens.reduce((sum, logp) => sum + logp, 0) / tokens.length);
}
