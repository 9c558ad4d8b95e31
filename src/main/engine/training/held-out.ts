import type { HeldOutMetric } from '../../../shared/metrics.ts';
import type { ModelRunner, ModelState } from '../model/runner.ts';
import { exactKl } from './exact-kl.ts';
import { positionsOf, preferenceReference, type RopeFor, type ScoredExample } from './example.ts';
import { logpMetrics, meanMetrics, type MetricValues } from './example-metrics.ts';
import {
  buildEvaluationTargets,
  objectiveInput,
  objectiveValue,
  predictedFrom,
  type AnswerTree,
  type ObjectiveSettings,
  type Span,
} from './objectives.ts';
import { soloMetrics } from './solopo.ts';

/** Held-out metrics by name, without those of the clock. */
export type HeldOutValues = Partial<Record<HeldOutMetric, number>>;

export interface HeldOutOptions {
  readonly settings: ObjectiveSettings;
  readonly parameters: Float32Array;
  readonly policyRope: RopeFor;
  readonly referenceRope: RopeFor;
  /** Stops between examples. */
  readonly signal?: AbortSignal;
}

/** Most log-probabilities fetched at once from one model, unless a single turn needs more: 512 MiB of float32. */
const MAX_ELEMENTS = 2 ** 27;

/**
 * Metrics over held-out examples, means of the per-example values: losses, rewards and per-token KL estimates as in
 * training, for both branches whatever the objective, and the exact KL to the reference on the short contexts.
 * Undefined when stopped by the signal.
 */
export async function evaluateHeldOut(
  runner: ModelRunner,
  examples: readonly ScoredExample[],
  options: HeldOutOptions,
): Promise<HeldOutValues | undefined> {
  const reference = await runner.referenceParameters();
  const values: MetricValues[] = [];
  const exact: { chosen: number[]; rejected: number[] } = { chosen: [], rejected: [] };
  for (const example of examples) {
    if (options.signal?.aborted) return undefined;
    const { parameters, policyRope, settings } = options;
    const policy = { parameters, rope: policyRope(positionsOf(example.tree)) };
    values.push(
      settings.objective === 'solopo'
        ? await soloMetrics(runner, example, settings, parameters, policyRope)
        : await lossMetrics(runner, example, settings, policy),
    );
    if (example.short.length === 0) continue;
    const referenceFor = (tree: AnswerTree): ModelState => ({
      parameters: reference,
      rope: options.referenceRope(positionsOf(tree)),
    });
    const kl = await exactShortToLongKl(runner, example, policy, referenceFor);
    exact.chosen.push(kl.chosen);
    exact.rejected.push(kl.rejected);
  }
  const result: HeldOutValues = {};
  for (const [key, value] of Object.entries(meanMetrics(values))) result[`eval_${key}` as HeldOutMetric] = value;
  for (const side of ['chosen', 'rejected'] as const) {
    if (exact[side].length > 0) result[`eval_kl/exact/${side}`] = mean(exact[side]);
  }
  return result;
}

async function lossMetrics(
  runner: ModelRunner,
  { tree, reference }: ScoredExample,
  settings: ObjectiveSettings,
  state: ModelState,
): Promise<MetricValues> {
  const targets = buildEvaluationTargets(tree, settings);
  const logps = await runner.score(tree.tokens, targets.targets, state);
  // OPSDL's loss is one of sampled answers; the stored ones show the likelihoods only.
  if (settings.objective === 'opsdl') return logpMetrics(logps, targets, settings, reference);
  const input = objectiveInput(targets, settings, preferenceReference(settings.objective, reference));
  const { loss, nll, preference } = objectiveValue(logps, input);
  return {
    loss,
    nll,
    ...(input.lambda === 0 ? {} : { preference_loss: preference }),
    ...logpMetrics(logps, targets, settings, reference),
  };
}

/** Mean over each side's answer tokens of KL(policy(. | long) || reference(. | short)), in nats a token. */
export async function exactShortToLongKl(
  runner: ModelRunner,
  example: ScoredExample,
  policy: ModelState,
  referenceFor: (tree: AnswerTree) => ModelState,
): Promise<{ readonly chosen: number; readonly rejected: number }> {
  const vocabulary = runner.config.vocabSize;
  const sums = { chosen: 0, rejected: 0 };
  const counts = { chosen: 0, rejected: 0 };
  for (const turns of groupTurns(example.tree, Math.floor(MAX_ELEMENTS / vocabulary))) {
    const rows = turns.flatMap((turn) => rowsOf(example.tree, turn));
    const long = await runner.logProbabilities(example.tree.tokens, Int32Array.from(rows), policy);
    let at = 0;
    for (const turn of turns) {
      const short = example.short[turn];
      if (short === undefined) throw new Error(`Example ${example.id} has no short context for turn ${turn + 1}.`);
      const shortRows = Int32Array.from(rowsOf(short, 0));
      const reference = await runner.logProbabilities(short.tokens, shortRows, referenceFor(short));
      const part = long.subarray(at, at + reference.length);
      at += reference.length;
      const { policyReference } = exactKl(part, reference, vocabulary);
      const chosen = spanLength(example.tree.chosen[turn]);
      for (const [a, value] of policyReference.entries()) sums[a < chosen ? 'chosen' : 'rejected'] += value;
      counts.chosen += chosen;
      counts.rejected += policyReference.length - chosen;
    }
  }
  return { chosen: sums.chosen / counts.chosen, rejected: sums.rejected / counts.rejected };
}

/** Rows that predict a turn's answers: first the chosen answer's, then the rejected one's. */
function rowsOf(tree: AnswerTree, turn: number): number[] {
  const rows: number[] = [];
  for (const span of [tree.chosen[turn], tree.rejected[turn]]) {
    const [start, end] = span ?? [0, 0];
    for (let t = start; t < end; t += 1) rows.push(predictedFrom(tree.tokens, t));
  }
  return rows;
}

/** Turn numbers in groups whose answers have at most `maxRows` tokens together; a longer turn is a group of its own. */
function groupTurns(tree: AnswerTree, maxRows: number): number[][] {
  const groups: number[][] = [];
  let rows = Infinity;
  for (let turn = 0; turn < tree.chosen.length; turn += 1) {
    const size = spanLength(tree.chosen[turn]) + spanLength(tree.rejected[turn]);
    if (rows + size > maxRows) {
      groups.push([]);
      rows = 0;
    }
    groups.at(-1)?.push(turn);
    rows += size;
  }
  return groups;
}

function spanLength(span: Span | undefined): number {
  return span === undefined ? 0 : span[1] - span[0];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
