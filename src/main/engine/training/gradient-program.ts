import type { Checkpointing, DecoderInput } from '../model/decoder.ts';
import { flatten } from '../model/parameter-values.ts';
import { targetLogProbs } from '../model/score-program.ts';
import type { ScoreValues } from '../model/score-program.ts';
import { reverseMode } from '../onnx/autodiff.ts';
import type { Graph, Value } from '../onnx/graph.ts';
import * as o from '../onnx/ops.ts';

/** The objective's scalars and weights inside a graph; see ObjectiveInput in model/runner.ts. */
export interface ObjectiveGraphInput {
  readonly nllWeight: Value;
  readonly chosenMask: Value;
  readonly rejectedMask: Value;
  readonly referenceChosen: Value;
  readonly referenceRejected: Value;
  readonly beta: Value;
  readonly lambda: Value;
  /** 1 = log odds, 0 = the sums themselves. */
  readonly odds: Value;
}

export interface ObjectiveGraphOutput {
  readonly loss: Value;
  readonly nll: Value;
  readonly preference: Value;
}

/**
 * nll + lambda * -log sigmoid(beta * z), z = (chosen - its reference) - (rejected - its reference) with log-probability
 * sums over all turns (LongPO, arXiv 2502.13922, equations 12 and 14; sums of logs as in the released code). With the
 * reference scored on the long input it is DPO, with lambda 0 SFT; with means instead of sums and `odds` ORPO's odds ratio.
 */
export function objectiveValue(g: Graph, logps: Value, input: ObjectiveGraphInput): ObjectiveGraphOutput {
  const sum = (weights: Value): Value => o.reduceSum(g, o.mul(g, logps, weights));
  const nll = o.neg(g, sum(input.nllWeight));
  const odds = o.less(g, o.full(g, logps.dtype, []), input.odds);
  const side = (weights: Value, reference: Value): Value => {
    const log = sum(weights);
    return o.sub(g, o.sub(g, log, logOneMinusExp(g, log, odds)), reference);
  };
  const chosen = side(input.chosenMask, input.referenceChosen);
  const rejected = side(input.rejectedMask, input.referenceRejected);
  const preference = o.softplus(g, o.neg(g, o.mul(g, input.beta, o.sub(g, chosen, rejected))));
  return { loss: o.add(g, nll, o.mul(g, input.lambda, preference)), nll, preference };
}

/**
 * log(1 - e^x) for x < 0 where `wanted`, else 0. As log tanh(-x / 2) + log(1 + e^x) it keeps its precision near 0. Where it
 * is not wanted x is replaced first: 0 times an infinite slope would be no number.
 */
function logOneMinusExp(g: Graph, x: Value, wanted: Value): Value {
  const safe = o.where(g, wanted, x, g.constant(x.dtype, -1));
  const half = o.mul(g, safe, g.constant(x.dtype, -0.5));
  const value = o.add(g, o.log(g, g.op('Tanh', [half])), o.softplus(g, safe));
  return o.where(g, wanted, value, g.constant(x.dtype, 0));
}

export interface GradientValues extends ObjectiveGraphOutput {
  readonly logps: Value;
  /** d loss / d parameters [P]. */
  readonly gradient: Value;
}

/** One training example: loss, its parts, the targets' log-probabilities and the gradient of all trainable values. */
export function gradientProgram(
  g: Graph,
  decoderInput: DecoderInput,
  score: ScoreValues,
  objective: ObjectiveGraphInput,
  checkpointing: Checkpointing,
): GradientValues {
  const { result, tape } = g.record(() => {
    const logps = targetLogProbs(g, decoderInput, score, checkpointing);
    return { logps, ...objectiveValue(g, logps, objective) };
  });
  const { parameters } = decoderInput;
  const seed = { value: result.loss, gradient: g.constant(result.loss.dtype, 1) };
  const gradients = reverseMode(g, tape, [seed], parameters.all);
  return { ...result, gradient: flatten(g, parameters.layout.tensors, gradients) };
}
