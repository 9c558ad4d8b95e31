import type { ModelConfig } from '../../src/main/engine/model/config.ts';

/** Tokens of a step's sequences: a document with two answers, and the context that the reference is scored on. */
export interface StepTokens {
  readonly document: number;
  readonly answer: number;
  readonly shortContext: number;
}

/** Floating-point operations that a step needs, recomputation not counted. */
export interface StepFlops {
  readonly gradients: number;
  /** One forward pass over the short context with both answers. */
  readonly reference: number;
}

/** Multiplications and additions of one forward pass: linear layers of `rows` tokens, and attention over `pairs` of tokens. */
function forward(config: ModelConfig, rows: number, pairs: number): number {
  const { hiddenSize, intermediateSize, numHeads, numKvHeads, headDim, numLayers } = config;
  const attention = 2 * hiddenSize * headDim * (numHeads + numKvHeads);
  const linear = attention + 3 * hiddenSize * intermediateSize;
  return numLayers * (2 * linear * rows + 4 * numHeads * headDim * pairs);
}

const causal = (n: number): number => (n * (n + 1)) / 2;

/**
 * LoRA: the backward pass of a linear layer costs as much as its forward pass (the gradient of its input; the adapter's share
 * is left out), that of attention twice as much. Loss head: logits of `targets` rows, twice.
 * @param form 'packed': the document once, both answers behind it. 'two': two whole sequences.
 */
export function stepFlops(config: ModelConfig, tokens: StepTokens, form: 'packed' | 'two'): StepFlops {
  const { document, answer, shortContext } = tokens;
  const { hiddenSize, vocabSize } = config;
  const shape = (context: number): { rows: number; pairs: number } => {
    const branch = causal(context + answer);
    return form === 'packed'
      ? { rows: context + 2 * answer, pairs: 2 * branch - causal(context) }
      : { rows: 2 * (context + answer), pairs: 2 * branch };
  };
  const long = shape(document);
  const short = shape(shortContext);
  const linear = forward(config, long.rows, 0);
  const attention = forward(config, 0, long.pairs);
  const targets = document + 2 * answer;
  const head = 2 * hiddenSize * vocabSize;
  return {
    gradients: 2 * linear + 3 * attention + 2 * head * targets,
    reference: forward(config, short.rows, short.pairs) + head * 2 * answer,
  };
}
