import type { Reward, RunConfig } from '../../../shared/run-config.ts';
import type { ObjectiveInput, Targets, TreeTokens } from '../model/runner.ts';

/** A half-open range [start, end). */
export type Span = readonly [start: number, end: number];

/** A row of tokens and where its answers stand: one span a turn in row coordinates, each with its end-of-turn token. */
export interface AnswerTree {
  readonly tokens: TreeTokens;
  readonly chosen: readonly Span[];
  readonly rejected: readonly Span[];
}

/**
 * For all but `solopo` and `opsdl`, which read more rows than one (solopo.ts, opsdl.ts):
 * loss = nllAnswers * mean NLL of the chosen answers' tokens
 *      + nllDocument * mean NLL of all T - 1 predicted tokens of the chosen long sequence
 *      + lambda * -log sigmoid(reward of chosen - reward of rejected - gamma).
 * `longpo` (arXiv 2502.13922, Eq. 14; the reference scores the short contexts) and `dpo` (the reference scores the long
 * input) differ in the reference values only: reward = beta * log ratio, gamma = 0. `sft` has no preference term: lambda is
 * not read. `simpo` (arXiv 2405.14734, Eq. 6) and `orpo` (arXiv 2403.07691, Eq. 6 and 7) have no reference, see rewardKind.
 */
export type ObjectiveSettings = Pick<RunConfig, 'objective' | 'beta' | 'lambda' | 'nllDocument' | 'nllAnswers'> &
  Partial<Pick<RunConfig, 'gamma' | 'reward' | 'alpha' | 'seed' | 'maxNewTokens' | 'temperature'>>;

/**
 * What an objective calls the reward of an answer, over the tokens of all turns:
 * dpo: beta * (sum of log p - the reference's). simpo: beta * mean log p. orpo: log odds log(p / (1 - p)), log p the mean.
 */
export function rewardKind({ objective, reward }: Pick<ObjectiveSettings, 'objective' | 'reward'>): Reward {
  if (objective === 'simpo' || objective === 'orpo') return objective;
  return objective === 'solopo' ? (reward ?? 'dpo') : 'dpo';
}

/** Whether the policy reads the rejected branch in training. */
export function readsRejected({ objective, lambda }: ObjectiveSettings): boolean {
  return objective !== 'sft' && lambda !== 0;
}

/** What a runner needs to compute the objective of one example, and how its M targets are laid out. */
export interface ObjectiveTargets {
  readonly targets: Targets;
  readonly nllWeight: Float32Array;
  readonly chosenMask: Float32Array;
  readonly rejectedMask: Float32Array;
  /** Ranges of the targets that make up each turn's answer. */
  readonly chosenTurns: readonly Span[];
  readonly rejectedTurns: readonly Span[];
  /** The first so many targets are all predicted tokens of the chosen long sequence; 0 if those are not all wanted. */
  readonly wholeTokens: number;
}

/** The row without its rejected branch: all that SFT reads. */
export function chosenOnly({ tokens, chosen }: AnswerTree): AnswerTree {
  const { ids, prefix, first, positions } = tokens;
  const length = prefix + first;
  return {
    tokens: {
      ids: ids.subarray(0, length),
      prefix,
      first,
      second: 0,
      ...(positions === undefined ? {} : { positions: positions.subarray(0, length) }),
    },
    chosen,
    rejected: [],
  };
}

/**
 * The targets of an objective on one example, in row order, and their weights. Only rows that carry weight are
 * targeted, so a loss head computes no logits for the document unless `nllDocument` asks for it.
 */
export function buildTargets(tree: AnswerTree, settings: ObjectiveSettings): ObjectiveTargets {
  const preference = readsRejected(settings);
  return targetsOf(tree, {
    mean: rewardKind(settings) !== 'dpo',
    whole: settings.nllDocument !== 0,
    chosen: preference || settings.nllAnswers !== 0,
    rejected: preference,
    nllDocument: settings.nllDocument,
    nllAnswers: settings.nllAnswers,
  });
}

/** As buildTargets, but with every row that any metric reads: the whole chosen sequence and both branches' answers. */
export function buildEvaluationTargets(tree: AnswerTree, settings: ObjectiveSettings): ObjectiveTargets {
  const { nllDocument, nllAnswers } = settings;
  const mean = rewardKind(settings) !== 'dpo';
  return targetsOf(tree, { whole: true, chosen: true, rejected: true, mean, nllDocument, nllAnswers });
}

/** The answers of both branches alone (for reference scores). */
export function buildAnswerTargets(tree: AnswerTree): ObjectiveTargets {
  return targetsOf(tree, { whole: false, chosen: true, rejected: true, mean: false, nllDocument: 0, nllAnswers: 0 });
}

interface Wanted {
  readonly whole: boolean;
  readonly chosen: boolean;
  readonly rejected: boolean;
  /** Masks of means instead of sums. */
  readonly mean: boolean;
  readonly nllDocument: number;
  readonly nllAnswers: number;
}

function targetsOf(tree: AnswerTree, wanted: Wanted): ObjectiveTargets {
  const { tokens } = tree;
  const { ids, prefix, first, second } = tokens;
  const longLength = prefix + first;
  if (ids.length !== longLength + second) throw new Error('The parts of the row do not add up to its length.');
  if (prefix === 0 && second > 0) throw new Error('Two branches need a prefix that predicts their first tokens.');
  checkSpans(tree.chosen, Math.max(1, prefix), longLength, 'chosen');
  checkSpans(tree.rejected, longLength, ids.length, 'rejected');

  // Indices of the predicted tokens, ascending; a turn's answer is one run of them.
  const chosen: readonly Span[] = wanted.chosen ? tree.chosen : [];
  const rejected: readonly Span[] = wanted.rejected ? tree.rejected : [];
  const spans: readonly Span[] = [...(wanted.whole ? [[1, longLength] as const] : chosen), ...rejected];
  const count = lengthOf(spans);
  const from = new Int32Array(count);
  const target = new Int32Array(count);
  const slotOf = new Map<number, number>(); // start of a span in the row -> its first slot
  let slot = 0;
  for (const [start, end] of spans) {
    slotOf.set(start, slot);
    for (let t = start; t < end; t += 1, slot += 1) {
      from[slot] = predictedFrom(tokens, t);
      target[slot] = ids[t] as number; // t < ids.length by checkSpans
    }
  }
  const slots = ([start, end]: Span): Span => {
    const begin = slotOf.get(start) ?? start - 1; // inside the whole sequence, token t has slot t - 1
    return [begin, begin + end - start];
  };
  const chosenTurns = chosen.map(slots);
  const rejectedTurns = rejected.map(slots);

  const nllWeight = new Float32Array(count);
  const chosenMask = new Float32Array(count);
  const rejectedMask = new Float32Array(count);
  if (wanted.whole) nllWeight.fill(wanted.nllDocument / (longLength - 1), 0, longLength - 1);
  const answerWeight = wanted.nllAnswers / lengthOf(chosen);
  const both = wanted.whole ? wanted.nllDocument / (longLength - 1) + answerWeight : answerWeight;
  for (const [start, end] of chosenTurns) {
    if (wanted.nllAnswers !== 0) nllWeight.fill(both, start, end);
    if (wanted.rejected) chosenMask.fill(wanted.mean ? 1 / lengthOf(chosen) : 1, start, end);
  }
  for (const [start, end] of rejectedTurns) rejectedMask.fill(wanted.mean ? 1 / lengthOf(rejected) : 1, start, end);
  return {
    targets: { from, target },
    nllWeight,
    chosenMask,
    rejectedMask,
    chosenTurns,
    rejectedTurns,
    wholeTokens: wanted.whole ? longLength - 1 : 0,
  };
}

/** The row whose logits predict token `t` of the row: the one before, or the last prefix row for a branch's start. */
export function predictedFrom({ prefix, first }: TreeTokens, t: number): number {
  return t === prefix + first ? prefix - 1 : t - 1;
}

function checkSpans(spans: readonly Span[], low: number, high: number, side: string): void {
  let previous = low;
  for (const [start, end] of spans) {
    if (start < previous || end <= start || end > high) {
      throw new Error(`The ${side} answer [${start}, ${end}) is empty or outside its branch [${low}, ${high}).`);
    }
    previous = end;
  }
}

function lengthOf(spans: readonly Span[]): number {
  return spans.reduce((sum, [start, end]) => sum + end - start, 0);
}

/**
 * The runner's input for one example; `reference` is read by rewards against a reference only.
 * SimPO's margin stands in the chosen reference's place: beta * (a - gamma / beta - b) = beta * (a - b) - gamma.
 */
export function objectiveInput(
  targets: ObjectiveTargets,
  settings: ObjectiveSettings,
  reference: AnswerLogps | undefined,
): ObjectiveInput {
  const sft = settings.objective === 'sft';
  const kind = rewardKind(settings);
  const ratio = !sft && kind === 'dpo';
  if (ratio && settings.lambda !== 0 && reference === undefined)
    throw new Error('The preference term has no reference.');
  const ratioTo = ratio ? reference : undefined;
  const margin = kind === 'simpo' ? (settings.gamma ?? 0) / settings.beta : 0;
  return {
    nllWeight: targets.nllWeight,
    chosenMask: targets.chosenMask,
    rejectedMask: targets.rejectedMask,
    referenceChosen: ratioTo === undefined ? margin : sumTurns(ratioTo.chosen),
    referenceRejected: ratioTo === undefined ? 0 : sumTurns(ratioTo.rejected),
    beta: settings.beta,
    lambda: sft ? 0 : settings.lambda,
    odds: kind === 'orpo',
  };
}

/** log p of every answer token in nats: one array a turn. */
export interface AnswerLogps {
  readonly chosen: readonly Float32Array[];
  readonly rejected: readonly Float32Array[];
}

/** Cuts a runner's log-probabilities [M] into the turns of both sides. */
export function answerLogps(logps: Float32Array, targets: ObjectiveTargets): AnswerLogps {
  return {
    chosen: targets.chosenTurns.map(([start, end]) => logps.slice(start, end)),
    rejected: targets.rejectedTurns.map(([start, end]) => logps.slice(start, end)),
  };
}

/** Sum over one turn's tokens, in float64. */
export function sumTokens(logps: Float32Array): number {
  let sum = 0;
  for (const value of logps) sum += value;
  return sum;
}

/** Sum over all turns' tokens, in float64; not divided by length. */
export function sumTurns(turns: readonly Float32Array[]): number {
  return turns.reduce((sum, turn) => sum + sumTokens(turn), 0);
}

/** -log sigmoid(x) = log(1 + e^-x), without overflow. */
export function negativeLogSigmoid(x: number): number {
  return Math.max(-x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** log(p / (1 - p)) from log p < 0, without loss of precision near 0. */
export function logOdds(logp: number): number {
  return -Math.log(Math.expm1(-logp));
}

/**
 * The objective and its parts for one example, in float64 from given log-probabilities [M], and its slopes
 * d loss / d log p [M].
 */
export function objectiveValue(
  logps: Float32Array,
  input: ObjectiveInput,
): { readonly loss: number; readonly nll: number; readonly preference: number; readonly slopes: Float64Array } {
  let nll = 0;
  let chosen = 0;
  let rejected = 0;
  for (let m = 0; m < logps.length; m += 1) {
    const logp = logps[m] as number; // the four arrays have M elements
    nll -= (input.nllWeight[m] as number) * logp;
    chosen += (input.chosenMask[m] as number) * logp;
    rejected += (input.rejectedMask[m] as number) * logp;
  }
  const side = (log: number, reference: number): number => (input.odds ? logOdds(log) : log) - reference;
  const z = side(chosen, input.referenceChosen) - side(rejected, input.referenceRejected);
  const preference = input.lambda === 0 ? 0 : negativeLogSigmoid(input.beta * z);
  const pull = input.lambda === 0 ? 0 : (input.lambda * input.beta) / (1 + Math.exp(input.beta * z));
  // d log odds / d log p = 1 / (1 - p)
  const pullChosen = input.odds ? pull / -Math.expm1(chosen) : pull;
  const pullRejected = input.odds ? pull / -Math.expm1(rejected) : pull;
  const slopes = Float64Array.from(logps, (_, m) => {
    const [nllWeight = NaN, up = NaN, down = NaN] = [input.nllWeight[m], input.chosenMask[m], input.rejectedMask[m]];
    return -nllWeight - (pull === 0 ? 0 : pullChosen * up - pullRejected * down);
  });
  return { loss: nll + input.lambda * preference, nll, preference, slopes };
}

/** Mean negative log-likelihoods of one example, in nats a token. */
export interface NllValues {
  /** Over all predicted tokens of the chosen long sequence; undefined when they were not all scored. */
  readonly whole: number | undefined;
  readonly wholeTokens: number;
  /** Over the chosen answers' tokens; undefined when they were not scored. */
  readonly answers: number | undefined;
  readonly answerTokens: number;
}

/** The two NLL means from a runner's log-probabilities [M]. */
export function nllValues(logps: Float32Array, targets: ObjectiveTargets): NllValues {
  const { wholeTokens, chosenTurns } = targets;
  const answerTokens = lengthOf(chosenTurns);
  const answerSum = sumTurns(chosenTurns.map(([start, end]) => logps.subarray(start, end)));
  return {
    whole: wholeTokens === 0 ? undefined : -sumTokens(logps.subarray(0, wholeTokens)) / wholeTokens,
    wholeTokens,
    answers: answerTokens === 0 ? undefined : -answerSum / answerTokens,
    answerTokens,
  };
}

/** One example's preference quantities (TRL's names in camel case); rewards by kind, see rewardKind. */
export interface PreferenceValues {
  readonly logpsChosen: number;
  readonly logpsRejected: number;
  readonly rewardChosen: number;
  readonly rewardRejected: number;
  readonly margin: number;
  /** 1 if the chosen reward is strictly larger, else 0. */
  readonly accuracy: 0 | 1;
  /** -log sigmoid(margin - gamma). */
  readonly preference: number;
}

/** The reward of one side's answers from the policy's and the reference's log-probabilities. */
export function rewardOf(
  settings: Pick<ObjectiveSettings, 'objective' | 'reward' | 'beta'>,
  policy: readonly Float32Array[],
  reference: readonly Float32Array[] | undefined,
): number {
  const kind = rewardKind(settings);
  const sum = sumTurns(policy);
  if (kind === 'dpo') {
    if (reference === undefined) throw new Error('The reward has no reference.');
    return settings.beta * (sum - sumTurns(reference));
  }
  const mean = sum / policy.reduce((count, turn) => count + turn.length, 0);
  return kind === 'simpo' ? settings.beta * mean : logOdds(mean);
}

/** Rewards of one example from the policy's and the reference's log-probabilities. */
export function preferenceValues(
  policy: AnswerLogps,
  reference: AnswerLogps | undefined,
  settings: Pick<ObjectiveSettings, 'objective' | 'reward' | 'beta' | 'gamma'>,
): PreferenceValues {
  const rewardChosen = rewardOf(settings, policy.chosen, reference?.chosen);
  const rewardRejected = rewardOf(settings, policy.rejected, reference?.rejected);
  const margin = rewardChosen - rewardRejected;
  return {
    logpsChosen: sumTurns(policy.chosen),
    logpsRejected: sumTurns(policy.rejected),
    rewardChosen,
    rewardRejected,
    margin,
    accuracy: margin > 0 ? 1 : 0,
    preference: negativeLogSigmoid(margin - (settings.gamma ?? 0)),
  };
}

/** Sums over answer tokens of the per-token estimates of KL(policy on the long input || reference on the short one). */
export interface KlEstimate {
  readonly tokens: number;
  /** Sum of r = log pi(y | x_L) - log ref(y | x_S) ("k1"). */
  readonly logRatioSum: number;
  /** Sum of exp(-r) - 1 + r, never negative ("k3", Schulman 2020). */
  readonly k3Sum: number;
}

/**
 * Estimates for one side over all its turns. The answers are not samples of the policy, so neither is an unbiased
 * estimate of the KL; exact values come from exact-kl.ts.
 */
export function shortToLongKl(policy: readonly Float32Array[], reference: readonly Float32Array[]): KlEstimate {
  if (policy.length !== reference.length) {
    throw new Error(`${policy.length} turns of the policy against ${reference.length} of the reference.`);
  }
  let tokens = 0;
  let logRatioSum = 0;
  let k3Sum = 0;
  policy.forEach((turn, i) => {
    const other = reference[i] ?? new Float32Array();
    if (turn.length !== other.length) {
      throw new Error(`Turn ${i + 1}: ${turn.length} tokens of the policy against ${other.length} of the reference.`);
    }
    for (let t = 0; t < turn.length; t += 1) {
      const ratio = (turn[t] as number) - (other[t] as number); // equal lengths, checked above
      logRatioSum += ratio;
      k3Sum += Math.expm1(-ratio) + ratio;
    }
    tokens += turn.length;
  });
  return { tokens, logRatioSum, k3Sum };
}
