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
}

export interface ObjectiveGraphOutput {
  readonly loss: Value;
  readonly nll: Value;
  readonly preference: Value;
}

/**
 * nll + lambda * -log sigmoid(beta * z), z = (chosen - its reference) - (rejected - its reference) with log-probability
 * sums over all turns (LongPO, arXiv 2502.13922, equations 12 and 14; sums of logs as in the released code). With the
 * reference scored on the long input it is DPO, with lambda 0 SFT.
 */
export function objectiveValue(g: Graph, logps: Value, input: ObjectiveGraphInput): ObjectiveGraphOutput {
  const sum = (weights: Value): Value => o.reduceSum(g, o.mul(g, logps, weights));
  const nll = o.neg(g, sum(input.nllWeight));
  const chosen = o.sub(g, sum(input.chosenMask), input.referenceChosen);
  const rejected = o.sub(g, sum(input.rejectedMask), input.referenceRejected);
  const preference = o.softplus(g, o.neg(g, o.mul(g, input.beta, o.sub(g, chosen, rejected))));
  return { loss: o.add(g, nll, o.mul(g, input.lambda, preference)), nll, preference };
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
  return { ...result, gradient: flatten(g, parameters.layout, gradients) };
}
