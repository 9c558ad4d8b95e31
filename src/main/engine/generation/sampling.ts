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

/**
 * The next token of each sequence [B] int64, from logits [B, V] and one uniform number each [B, 1]. As Hugging Face's
 * warpers in their order: temperature, top-k, then top-p (the smallest set whose probability reaches p, at least one
 * token); the number picks by inverse cumulative probability, most likely token first.
 */
export function sampleToken(g: Graph, logits: Value, uniform: Value, sampling: SamplingValues): Value {
  const greedy = new Graph('greedy', g);
  greedy.output(o.argMax(greedy, logits, -1));
  const random = new Graph('random', g);
  random.output(drawToken(random, logits, uniform, sampling));
  const isGreedy = o.equal(g, sampling.temperature, 0);
  return g.op('If', [isGreedy], { then_branch: greedy, else_branch: random });
}

function drawToken(g: Graph, logits: Value, uniform: Value, { temperature, topK, topP }: SamplingValues): Value {
  const vocab = o.dimOf(g, logits, 1);
  const limit = o.where(g, o.greater(g, topK, 0), o.min(g, topK, vocab), vocab);
  const [values, tokens] = g.ops('TopK', [o.div(g, logits, temperature), limit], { axis: -1 }, { outputs: 2 });
  if (values === undefined || tokens === undefined) throw new Error('TopK has two outputs');
  const p = o.softmax(g, values);
  const axis = g.constant('int64', 1);
  const before = o.sub(g, g.op('CumSum', [p, axis]), p);
  const kept = o.mul(g, p, o.cast(g, o.less(g, before, topP), p.dtype));
  const cumulative = g.op('CumSum', [kept, axis]);
  const aim = o.mul(g, uniform, o.reduceSum(g, kept, [1], true));
  const passed = o.cast(g, o.not(g, o.greater(g, cumulative, aim)), 'int64');
  const candidates = o.reduceSum(g, o.cast(g, o.greater(g, kept, 0), 'int64'), [1], true);
  // Rounding may leave the last cumulative sum below the aim: stay on the last candidate.
  const index = o.min(g, o.reduceSum(g, passed, [1], true), o.sub(g, candidates, 1));
  return o.squeeze(g, g.op('GatherElements', [tokens, index], { axis: 1 }), 1);
}
