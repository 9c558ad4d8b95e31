import type { Graph, Value } from '../onnx/graph.ts';
import * as o from '../onnx/ops.ts';
import { tokenLogProbs } from '../onnx/token-logprobs.ts';
import { wide } from '../onnx/dtype.ts';
import { decoder, decoderLayer, embed, finalNorm, headName } from './decoder.ts';
import type { Checkpointing, DecoderInput } from './decoder.ts';

export interface ScoreValues {
  /** Token ids of the row [T]. */
  readonly ids: Value;
  /** Rows that predict and the tokens they predict [M]. */
  readonly from: Value;
  readonly target: Value;
  /** A tensor as long as one chunk of the loss head. */
  readonly chunk: Value;
}

/** log p of every target [M], natural logarithm. */
export function targetLogProbs(
  g: Graph,
  input: DecoderInput,
  values: ScoreValues,
  checkpointing: Checkpointing = 'none',
): Value {
  return headLogProbs(g, decoder(g, values.ids, input, checkpointing), input, values);
}

/** The same from the final hidden states [T, hidden], normalised. */
export function headLogProbs(
  g: Graph,
  states: Value,
  input: DecoderInput,
  values: Pick<ScoreValues, 'from' | 'target' | 'chunk'>,
): Value {
  const hidden = o.gather(g, states, values.from);
  const name = headName(input.config);
  return g.scope('loss_head', () =>
    tokenLogProbs(g, {
      hidden,
      head: input.parameters.get(name),
      target: values.target,
      chunk: values.chunk,
      trainHead: input.parameters.isTrainable(name),
    }),
  );
}

/** Logits of the rows given [M, vocab], single precision. */
export function rowLogits(g: Graph, input: DecoderInput, { ids, from }: Pick<ScoreValues, 'ids' | 'from'>): Value {
  const hidden = o.gather(g, decoder(g, ids, input), from);
  const logits = o.gemm(g, hidden, input.parameters.get(headName(input.config)), undefined, { transB: true });
  return o.cast(g, logits, wide(logits.dtype));
}

/** Hidden states [layers + 1, T, hidden] as transformers counts them: embeddings, layers, the last one after the norm. */
export function hiddenStates(g: Graph, input: DecoderInput, ids: Value): Value {
  const states = [embed(g, ids, input.parameters)];
  for (let layer = 0; layer < input.config.numLayers; layer++) {
    const before = states.at(-1);
    if (before === undefined) throw new Error('the embeddings come first');
    states.push(decoderLayer(g, before, layer, input));
  }
  const last = states.pop();
  if (last === undefined) throw new Error('the embeddings come first');
  states.push(finalNorm(g, last, input));
  return o.concat(
    g,
    states.map((state) => o.unsqueeze(g, o.cast(g, state, wide(state.dtype)), 0)),
    0,
  );
}
