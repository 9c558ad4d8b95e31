import type { Value } from '../onnx/graph.ts';
import { Graph } from '../onnx/graph.ts';
import * as o from '../onnx/ops.ts';

export interface SamplingValues {
  /** Scalar, 0 = greedy. */
  readonly temperature: Value;
  /** int64 vector of length 1, 0 = no limit. */
  readonly topK: Value;
  /** Scalar, 1 = no limit. */
  readonly topP: Value;
}

/** The token of logits that are not numbers. */
export const NO_TOKEN = -2;

/**
 * The next token of each sequence [B] int64, from logits [B, V] and one uniform number each [B, 1]. As Hugging Face's
 * warpers in their order: temperature, top-k, then top-p (the smallest set whose probability reaches p, at least one
 * token); the number in [0, 1) picks by inverse cumulative probability, most likely token first. Among equal logits the
 * lower id comes first, and top-k keeps exactly k (the warpers keep all that equal the last one). Logits that are not
 * numbers (training diverged) give NO_TOKEN: ArgMax would take any token.
 */
export function sampleToken(g: Graph, logits: Value, uniform: Value, sampling: SamplingValues): Value {
  const greedy = new Graph('greedy', g);
  greedy.output(o.argMax(greedy, logits, -1));
  const random = new Graph('random', g);
  random.output(drawToken(random, logits, uniform, sampling));
  const isGreedy = o.equal(g, sampling.temperature, 0);
  const token = g.op('If', [isGreedy], { then_branch: greedy, else_branch: random });
  const sum = o.reduceSum(g, logits, [1]);
  return o.where(g, o.equal(g, sum, sum), token, NO_TOKEN); // a NaN does not equal itself
}

function drawToken(g: Graph, logits: Value, uniform: Value, { temperature, topK, topP }: SamplingValues): Value {
  const vocab = o.dimOf(g, logits, 1);
  const limit = o.where(g, o.greater(g, topK, 0), o.min(g, topK, vocab), vocab);
  const [values, tokens] = g.ops('TopK', [logits, limit], { axis: -1 }, { outputs: 2 });
  if (values === undefined || tokens === undefined) throw new Error('TopK has two outputs');
  // Before the division: a low temperature would turn the logits themselves into infinities.
  const belowHighest = o.sub(g, values, o.slice(g, values, 0, 1, 1));
  const p = o.softmax(g, o.div(g, belowHighest, temperature));
  // Summed in float64: near 1, float32 loses rare tokens, which together a large vocabulary draws once in a while.
  const exact = o.cast(g, p, 'float64');
  const cumulative = g.op('CumSum', [exact, g.constant('int64', 1)]);
  const total = o.slice(g, cumulative, -1, 2 ** 40, 1);
  const border = o.mul(g, total, o.cast(g, topP, 'float64'));
  const candidates = count(g, o.less(g, o.sub(g, cumulative, exact), border));
  const last = o.sub(g, candidates, 1);
  const aim = o.mul(g, o.cast(g, uniform, 'float64'), g.op('GatherElements', [cumulative, last], { axis: 1 }));
  // The aim is below the last candidate's sum, except where the logits are not numbers.
  const passed = o.min(g, count(g, o.not(g, o.greater(g, cumulative, aim))), last);
  return o.squeeze(g, g.op('GatherElements', [tokens, passed], { axis: 1 }), 1);
}

/** How many are true in each row, [B, 1] int64. */
function count(g: Graph, rows: Value): Value {
  return o.reduceSum(g, o.cast(g, rows, 'int64'), [1], true);
}
