import { wide } from './dtype.ts';
import type { Value } from './graph.ts';
import { Graph } from './graph.ts';
import * as o from './ops.ts';

export interface TokenLogProbsInput {
  /** Final hidden states of the rows that predict [M, H]. */
  readonly hidden: Value;
  /** Output embedding [V, H]. */
  readonly head: Value;
  /** Token ids to predict [M], int64. */
  readonly target: Value;
  /** A tensor whose first dimension is the number of rows in one chunk; bounds the logits to [chunk, V]. */
  readonly chunk: Value;
  /** True when the head itself is trained (full fine-tuning): its gradient is made too. */
  readonly trainHead: boolean;
}

/** Rows padded to whole chunks, with the number of chunks. */
interface Chunks {
  /** As a scalar and as a vector of length 1. */
  readonly count: Value;
  readonly number: Value;
  readonly rows: Value;
  readonly hidden: Value;
  readonly target: Value;
}

function chunks(g: Graph, { hidden, target, chunk: ruler }: TokenLogProbsInput): Chunks {
  const m = o.dimOf(g, target, 0);
  const chunk = o.dimOf(g, ruler, 0);
  const count = o.div(g, o.sub(g, o.add(g, m, chunk), 1), chunk);
  const rows = o.mul(g, count, chunk);
  return {
    count: o.squeeze(g, count, 0),
    number: count,
    rows,
    hidden: padded(g, hidden, rows),
    target: padded(g, target, rows),
  };
}

/** x with zero rows up to `rows`. */
function padded(g: Graph, x: Value, rows: Value): Value {
  const pad = o.sub(g, rows, o.dimOf(g, x, 0));
  const rest = x.shape.slice(1).map(Number);
  return o.concat(g, [x, o.full(g, x.dtype, o.shapeVector(g, pad, ...rest))], 0);
}

interface Body {
  readonly b: Graph;
  readonly condition: Value;
  /** Rows of this iteration's chunk. */
  readonly take: (x: Value) => Value;
}

function body(g: Graph, label: string, ruler: Value): Body {
  const b = new Graph(label, g);
  const chunk = o.dimOf(b, ruler, 0);
  const iteration = b.anonymousInput('chunk', 'int64', []);
  const condition = b.anonymousInput('condition', 'bool', []);
  const start = o.mul(b, o.unsqueeze(b, iteration, 0), chunk);
  const end = o.add(b, start, chunk);
  return { b, condition, take: (x) => o.slice(b, x, start, end, 0) };
}

/** h W^T of one chunk [chunk, V], single precision at least. */
function logits(b: Graph, hidden: Value, head: Value): Value {
  const product = o.gemm(b, hidden, head, undefined, { transB: true });
  return o.cast(b, product, wide(product.dtype));
}

function pick(b: Graph, logProbabilities: Value, target: Value): Value {
  return o.squeeze(b, b.op('GatherElements', [logProbabilities, o.unsqueeze(b, target, 1)], { axis: 1 }), 1);
}

/**
 * d logp / d hidden of one chunk: W[target] - softmax(h W^T) W. It does not depend on what is made of logp later, so a
 * frozen head gives it in the forward pass and the logits are computed once.
 */
function unitGradient(b: Graph, probabilities: Value, target: Value, head: Value): Value {
  return o.sub(b, o.gather(b, head, target), o.matmul(b, o.cast(b, probabilities, head.dtype), head));
}

function forward(
  g: Graph,
  input: TokenLogProbsInput,
  withGradient: boolean,
): { logps: Value; unit: Value | undefined } {
  const c = chunks(g, input);
  const width = Number(o.dim(input.head, 1));
  const rows = o.dimOf(g, input.chunk, 0);
  // A Scan rather than a Loop: on CUDA, every index made from the number of an iteration waits for the card.
  const b = new Graph('token_logprobs', g);
  const chunk = o.dim(input.chunk, 0);
  const hidden = b.anonymousInput('hidden', input.hidden.dtype, [chunk, width]);
  const target = b.anonymousInput('target', input.target.dtype, [chunk]);
  const logProbabilities = o.logSoftmax(b, logits(b, hidden, input.head));
  b.output(pick(b, logProbabilities, target));
  if (withGradient) b.output(unitGradient(b, o.exp(b, logProbabilities), target, input.head));
  const scans = [
    o.reshapeExact(g, c.hidden, o.shapeVector(g, c.number, rows, width)),
    o.reshapeExact(g, c.target, o.shapeVector(g, c.number, rows)),
  ];
  const attributes = { body: b, num_scan_inputs: 2 };
  const [logps, unit] = g.ops('Scan', scans, attributes, { outputs: withGradient ? 2 : 1 });
  const m = o.dimOf(g, input.target, 0);
  const flat = (x: Value, ...size: number[]): Value =>
    o.slice(g, o.reshapeExact(g, x, o.shapeVector(g, c.rows, ...size)), 0, m, 0);
  if (logps === undefined) throw new Error('the scan gives log-probabilities');
  return { logps: flat(logps), unit: unit === undefined ? undefined : flat(unit, width) };
}

/** With a trained head: the logits again, then dh = w (W[target] - P W) and dW = scatter(w h at target) - P^T (w h). */
function backwardWithHead(g: Graph, input: TokenLogProbsInput, gradient: Value): readonly Value[] {
  const c = chunks(g, input);
  const weights = o.unsqueeze(g, padded(g, o.cast(g, gradient, input.hidden.dtype), c.rows), 1);
  const { b, condition, take } = body(g, 'token_logprobs_backward', input.chunk);
  const sum = b.anonymousInput('dhead', wide(input.head.dtype), input.head.shape);
  const [hidden, target, weight] = [take(c.hidden), take(c.target), take(weights)];
  const p = o.softmax(b, logits(b, hidden, input.head));
  b.output(condition);
  const part = o.gemm(b, o.cast(b, p, hidden.dtype), o.mul(b, hidden, weight), undefined, { transA: true });
  b.output(o.sub(b, sum, o.cast(b, part, sum.dtype)));
  b.output(o.mul(b, unitGradient(b, p, target, input.head), weight));
  const zeros = o.full(g, sum.dtype, o.shapeOf(g, input.head));
  const [minus, scanned] = g.ops('Loop', [c.count, undefined, zeros], { body: b }, { outputs: 2 });
  if (minus === undefined || scanned === undefined) throw new Error('the loop has two outputs');
  const width = Number(o.dim(input.head, 1));
  const m = o.dimOf(g, input.target, 0);
  const dHidden = o.slice(g, o.reshape(g, scanned, o.shapeVector(g, c.rows, width)), 0, m, 0);
  const rows = o.mul(g, o.cast(g, input.hidden, sum.dtype), o.unsqueeze(g, gradient, 1));
  const indices = o.expand(g, o.unsqueeze(g, input.target, 1), o.shapeOf(g, rows));
  const dHead = g.op('ScatterElements', [minus, indices, rows], { axis: 0, reduction: 'add' });
  return [dHidden, o.cast(g, dHead, input.head.dtype)];
}

/**
 * log p(target) of M rows, natural logarithm, single precision at least, by row chunks: the logits of all rows never exist at once. Returns [M].
 */
export function tokenLogProbs(g: Graph, input: TokenLogProbsInput): Value {
  const keepUnit = g.recording && !input.trainHead;
  let unit: Value | undefined;
  const [output] = g.composite(
    [input.hidden, input.head],
    (graph) => {
      const result = forward(graph, input, keepUnit);
      unit = result.unit;
      return [result.logps];
    },
    (graph, { gradients }) => {
      const [gradient] = gradients;
      if (gradient === undefined) return [];
      if (unit === undefined) return backwardWithHead(graph, input, gradient);
      return [o.mul(graph, unit, o.cast(graph, o.unsqueeze(graph, gradient, 1), unit.dtype)), undefined];
    },
  );
  if (output === undefined) throw new Error('one output');
  return output;
}
