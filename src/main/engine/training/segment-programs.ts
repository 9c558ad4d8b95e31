import { decoderLayers, embed, finalNorm } from '../model/decoder.ts';
import type { Checkpointing, DecoderInput, LayerRange } from '../model/decoder.ts';
import { flatten } from '../model/parameter-values.ts';
import type { ParameterLayout, ParameterTensor } from '../model/parameters.ts';
import { headLogProbs } from '../model/score-program.ts';
import type { ScoreValues } from '../model/score-program.ts';
import { reverseMode } from '../onnx/autodiff.ts';
import type { Graph, Value } from '../onnx/graph.ts';
import { objectiveValue } from './gradient-program.ts';
import type { GradientValues, ObjectiveGraphInput } from './gradient-program.ts';

/** A gradient step cut into segments of layers, each a run of its own; what lies between waits in host memory. */
export interface Segment extends LayerRange {
  readonly index: number;
  readonly last: boolean;
}

/** Segments of `size` layers; the last one, which also has the loss head, may have fewer. */
export function segmentsOf(layers: number, size: number): readonly Segment[] {
  const count = Math.ceil(layers / size);
  return Array.from({ length: count }, (_, index) => ({
    index,
    from: index * size,
    to: Math.min(layers, (index + 1) * size),
    last: index === count - 1,
  }));
}

/**
 * The trainable tensors that a segment may give gradients of: those of its layers; the input embedding in the first
 * segment; norm and output embedding (which may be the same tensor as the input's) in the last.
 */
export function segmentTensors(layout: ParameterLayout, segment: Segment): readonly ParameterTensor[] {
  return layout.tensors.filter(({ name }) => {
    const layer = /model\.layers\.(\d+)\./.exec(name)?.[1];
    if (layer !== undefined) return Number(layer) >= segment.from && Number(layer) < segment.to;
    const embedding = name === 'model.embed_tokens.weight';
    return segment.last || (embedding && segment.index === 0);
  });
}

/** What enters a segment: token ids [T] into the first, the rows [T, hidden] of the one before into the others. */
export interface SegmentInput {
  readonly ids: Value;
  readonly rows: () => Value;
}

function entering(g: Graph, { index }: Segment, { ids, rows }: SegmentInput, { parameters }: DecoderInput): Value {
  return index === 0 ? embed(g, ids, parameters) : rows();
}

/** The rows [T, hidden] that leave a segment. */
export function segmentForward(g: Graph, segment: Segment, from: SegmentInput, input: DecoderInput): Value {
  return decoderLayers(g, entering(g, segment, from, input), segment, input, 'none');
}

export interface SegmentGradients {
  /** Gradient of the rows that entered; not from the first segment. */
  readonly rows: Value | undefined;
  /** Of segmentTensors, one after the other; undefined where there are none. */
  readonly gradient: Value | undefined;
}

/** The way back through a segment from the gradient of what left it. */
export function segmentBackward(
  g: Graph,
  segment: Segment,
  from: SegmentInput & { readonly gradient: () => Value },
  input: DecoderInput,
  checkpointing: Checkpointing,
): SegmentGradients {
  const x = segment.index === 0 ? undefined : from.rows();
  const { result, tape } = g.record(() =>
    decoderLayers(g, x ?? embed(g, from.ids, input.parameters), segment, input, checkpointing),
  );
  return gradientsOf(g, segment, x, input, { tape, value: result, gradient: from.gradient() });
}

/** The last segment with loss head and objective, there and back. */
export function lastSegment(
  g: Graph,
  segment: Segment,
  from: SegmentInput,
  input: DecoderInput,
  score: ScoreValues,
  objective: ObjectiveGraphInput,
  checkpointing: Checkpointing,
): Omit<GradientValues, 'gradient'> & SegmentGradients {
  const x = segment.index === 0 ? undefined : from.rows();
  const { result, tape } = g.record(() => {
    const rows = decoderLayers(g, x ?? embed(g, from.ids, input.parameters), segment, input, checkpointing);
    const logps = headLogProbs(g, finalNorm(g, rows, input), input, score);
    return { logps, ...objectiveValue(g, logps, objective) };
  });
  const seed = { tape, value: result.loss, gradient: g.constant(result.loss.dtype, 1) };
  return { ...result, ...gradientsOf(g, segment, x, input, seed) };
}

function gradientsOf(
  g: Graph,
  segment: Segment,
  x: Value | undefined,
  { parameters }: DecoderInput,
  {
    tape,
    ...seed
  }: { readonly tape: Parameters<typeof reverseMode>[1]; readonly value: Value; readonly gradient: Value },
): SegmentGradients {
  const tensors = segmentTensors(parameters.layout, segment);
  const trained = tensors.map(({ name }) => parameters.get(name));
  const found = reverseMode(g, tape, [seed], [...trained, ...(x === undefined ? [] : [x])]);
  return {
    rows: x === undefined ? undefined : found.at(-1),
    gradient: tensors.length === 0 ? undefined : flatten(g, tensors, found.slice(0, tensors.length)),
  };
}
