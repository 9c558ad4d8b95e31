import type {
  GradientOutput,
  ModelRunner,
  ModelState,
  ObjectiveInput,
  Targets,
  TreeTokens,
} from '../../../../src/main/engine/model/runner.ts';
import type { ObjectiveTargets } from '../../../../src/main/engine/training/objectives.ts';

/** One branch of a pair as a plain sequence, with its share of the pair's targets. */
interface Sequence {
  readonly tokens: TreeTokens;
  readonly targets: Targets;
  /** For each target, its index among the pair's targets. */
  readonly slots: readonly number[];
}

/** The pair as everyone else computes it: two sequences, each with the whole document. */
export interface SeparatePair {
  readonly chosen: Sequence;
  readonly rejected: Sequence;
}

/** Takes a packed pair apart into [prefix | first] and [prefix | second]. */
export function separatePair(tokens: TreeTokens, { targets, rejectedMask }: ObjectiveTargets): SeparatePair {
  const { ids, prefix, first, second } = tokens;
  const slots = [...targets.from.keys()];
  const pick = (side: 0 | 1): number[] => slots.filter((m) => rejectedMask[m] === side);
  const sequence = (own: Int32Array, chosenSlots: number[], row: (from: number) => number): Sequence => ({
    tokens: { ids: own, prefix: own.length, first: 0, second: 0 },
    targets: {
      from: Int32Array.from(chosenSlots, (m) => row(targets.from[m] ?? NaN)),
      target: Int32Array.from(chosenSlots, (m) => targets.target[m] ?? NaN),
    },
    slots: chosenSlots,
  });
  const rejectedIds = new Int32Array(prefix + second);
  rejectedIds.set(ids.subarray(0, prefix));
  rejectedIds.set(ids.subarray(prefix + first), prefix);
  return {
    chosen: sequence(ids.slice(0, prefix + first), pick(0), (from) => from),
    rejected: sequence(rejectedIds, pick(1), (from) => (from < prefix ? from : from - first)),
  };
}

/** -log sigmoid(-x) and its slope, in float64. */
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** The objective's value from log-probabilities [M], and d loss / d log p [M]: the part that couples the two sequences. */
export function objectiveSlopes(logps: Float32Array, input: ObjectiveInput): { loss: number; slopes: Float64Array } {
  let nll = 0;
  let z = input.referenceRejected - input.referenceChosen;
  const sign = Float64Array.from(logps, (_, m) => (input.chosenMask[m] ?? 0) - (input.rejectedMask[m] ?? 0));
  logps.forEach((logp, m) => {
    nll -= (input.nllWeight[m] ?? 0) * logp;
    z += (sign[m] ?? 0) * logp;
  });
  const pull = input.lambda * input.beta * sigmoid(-input.beta * z);
  return {
    loss: nll + input.lambda * softplus(-input.beta * z),
    slopes: sign.map((s, m) => -(input.nllWeight[m] ?? 0) - pull * s),
  };
}

/** Gradient of sum(slopes * log p) over one sequence: the chain rule's second factor. */
export async function sequenceGradient(
  runner: ModelRunner,
  { tokens, targets, slots }: Sequence,
  slopes: Float64Array,
  state: ModelState,
): Promise<GradientOutput> {
  const none = new Float32Array(slots.length);
  const objective: ObjectiveInput = {
    nllWeight: Float32Array.from(slots, (m) => -(slopes[m] ?? NaN)),
    chosenMask: none,
    rejectedMask: none,
    referenceChosen: 0,
    referenceRejected: 0,
    beta: 0,
    lambda: 0,
    odds: false,
  };
  return runner.gradients(tokens, targets, objective, state);
}

/**
 * Loss and gradient of a pair through two separate sequences:
 * d loss = -sum w d log p - lambda beta sigmoid(-beta z) (sum_chosen d log p - sum_rejected d log p).
 */
export async function separateGradients(
  runner: ModelRunner,
  pair: SeparatePair,
  input: ObjectiveInput,
  state: ModelState,
): Promise<{ loss: number; logps: Float32Array; gradient: Float32Array }> {
  const logps = new Float32Array(input.nllWeight.length);
  for (const { tokens, targets, slots } of [pair.chosen, pair.rejected]) {
    const own = await runner.score(tokens, targets, state);
    slots.forEach((m, i) => {
      logps[m] = own[i] ?? NaN;
    });
  }
  const { loss, slopes } = objectiveSlopes(logps, input);
  const chosen = await sequenceGradient(runner, pair.chosen, slopes, state);
  const rejected = await sequenceGradient(runner, pair.rejected, slopes, state);
  return { loss, logps, gradient: chosen.gradient.map((value, i) => value + (rejected.gradient[i] ?? NaN)) };
}

/** |a - b| / |b|, Euclidean norms in float64. */
export function relativeDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) throw new Error(`${a.length} elements against ${b.length}`);
  let [difference, norm] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] ?? NaN, b[i] ?? NaN];
    difference += (x - y) ** 2;
    norm += y ** 2;
  }
  return Math.sqrt(difference / norm);
}
