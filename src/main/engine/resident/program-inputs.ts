import type { DType } from '../onnx/dtype.ts';
import type { Graph, Value } from '../onnx/graph.ts';
import type { HostRows } from '../onnx/half-rows.ts';
import * as o from '../onnx/ops.ts';
import type { TreeValues } from '../model/tree-attention.ts';
import type { FlashRulers } from '../onnx/flash-attention.ts';
import type { ObjectiveGraphInput } from '../training/gradient-program.ts';
import { RESERVED_PIECES } from './reserved-pieces.ts';

/**
 * The inputs of the resident graph. Every run feeds all of them; those a program does not read are empty. Lengths are
 * symbols: T tokens in the row, M targets, R rows, B sequences, S prompt tokens, K new tokens, L positions.
 */
export interface ProgramInputs {
  /** Which program runs: a tensor whose length is the program's number. (The choice is then made on the CPU.) */
  readonly program: Value;
  /** The trainable vector [P]. */
  readonly parameters: Value;
  /** Memory to take before anything else: an empty tensor [0, ...] whose dimensions say how much. */
  readonly reserve: Value;
  /** Rotary tables [L, headDim / 2]. */
  readonly cos: Value;
  readonly sin: Value;
  /** Tokens and positions of a tree row [T]. */
  readonly ids: Value;
  readonly positions: Value;
  readonly tree: BlockTree | FlashTree;
  /** Real tokens of the row when it is a prefix to decode from; the rest is padding. */
  readonly prefix: Value;
  /** Row m predicts target[m] [M]; a tensor as long as one chunk of the loss head. */
  readonly from: Value;
  readonly target: Value;
  readonly chunk: Value;
  readonly objective: ObjectiveGraphInput;
  readonly decode: DecodeValues;
  /** With segments: the rows that enter one, and the gradient of those that leave it. */
  readonly segment?: { readonly rows: HostRows; readonly gradient: HostRows };
  /** Where new tokens are decoded by PagedAttention: see PagedDecodeInput. */
  readonly paged: { readonly pageTable: Value; readonly prefixPages: Value; readonly places: Value } | undefined;
}

/** How rows attend: by blocks in plain operators (any device), or by flash attention (CUDA, half precision). */
export type AttentionKind = 'blocks' | 'flash';

export interface BlockTree extends TreeValues {
  readonly kind: 'blocks';
}

export interface FlashTree extends FlashRulers {
  readonly kind: 'flash';
  /** Its first dimension is the MLP's rows at a time. */
  readonly mlpChunk: Value;
}

/** See GenerateInput in model/runner.ts. */
export interface DecodeValues {
  /** Tokens after the prefix [B, S], padded on the right, and their numbers [B]. */
  readonly prompts: Value;
  readonly lengths: Value;
  /** Rows of each prompt in one block of attention; S is a multiple of it. */
  readonly promptBlock: Value;
  readonly maxNewTokens: Value;
  readonly temperature: Value;
  readonly topK: Value;
  readonly topP: Value;
  /** [B, K] */
  readonly uniforms: Value;
  readonly stopIds: Value;
}

export interface InputSizes {
  /** Length of the trainable vector, and half the channels of a head. */
  readonly parameters: number;
  readonly half: number;
  readonly attention: AttentionKind;
  /** Whether new tokens are decoded by PagedAttention. */
  readonly paged?: boolean;
  /** With segments: width of the rows between them, and the type in which they cross. */
  readonly segment?: { readonly hidden: number; readonly dtype: DType };
}

/** Declares the inputs on the root graph. */
export function programInputs(g: Graph, { parameters, half, attention, paged, segment }: InputSizes): ProgramInputs {
  const size = (name: string): Value => g.input(name, 'int64', [1]);
  const floats = (name: string, ...shape: (string | number)[]): Value => g.input(name, 'float32', shape);
  const tokens = (name: string, ...shape: string[]): Value => g.input(name, 'int32', shape);
  const hostRows = (name: string, { hidden, dtype }: NonNullable<InputSizes['segment']>): HostRows => ({
    rows: g.input(`${name}_rows`, dtype, [`${name}_rows`, hidden]),
    // float32 rows have none.
    scales: g.input(`${name}_scales`, 'float32', [dtype === 'float16' ? `${name}_rows` : 0, 1]),
  });
  return {
    program: g.input('program', 'bool', ['program']),
    parameters: floats('parameters', parameters),
    reserve: g.input(
      'reserve',
      'bool',
      Array.from({ length: RESERVED_PIECES + 1 }, (_, i) => `reserve_${i}`),
    ),
    cos: floats('rope_cos', 'L', half),
    sin: floats('rope_sin', 'L', half),
    ids: tokens('ids', 'T'),
    positions: o.cast(g, tokens('positions', 'T'), 'int64'),
    tree: attention === 'blocks' ? blockTree(g) : flashTree(g),
    prefix: size('prefix'),
    from: tokens('from', 'M'),
    target: tokens('target', 'M'),
    chunk: g.input('chunk', 'bool', ['chunk']),
    objective: {
      nllWeight: floats('nll_weight', 'M'),
      chosenMask: floats('chosen_mask', 'M'),
      rejectedMask: floats('rejected_mask', 'M'),
      referenceChosen: floats('reference_chosen'),
      referenceRejected: floats('reference_rejected'),
      beta: floats('beta'),
      lambda: floats('lambda'),
      odds: floats('odds'),
    },
    decode: {
      prompts: tokens('prompts', 'B', 'S'),
      lengths: g.input('lengths', 'int64', ['B']),
      promptBlock: size('prompt_block'),
      maxNewTokens: g.input('max_new_tokens', 'int64', []),
      temperature: floats('temperature'),
      topK: size('top_k'),
      topP: floats('top_p'),
      uniforms: floats('uniforms', 'B', 'K'),
      stopIds: tokens('stop_ids', 'E'),
    },
    ...(segment === undefined
      ? {}
      : { segment: { rows: hostRows('segment', segment), gradient: hostRows('segment_gradient', segment) } }),
    paged:
      paged === true
        ? {
            pageTable: tokens('page_table', 'B', 'pages'),
            places: tokens('places', 'B2', 'places'),
            prefixPages: g.input('prefix_pages', 'bool', ['empty', 'shared_pages', 'prefix_rest']),
          }
        : undefined,
  };
}

function blockTree(g: Graph): BlockTree {
  return {
    kind: 'blocks',
    table: g.input('block_table', 'int64', ['blocks', 4]),
    block: g.input('block', 'int64', [1]),
  };
}

function flashTree(g: Graph): FlashTree {
  const ruler = (name: string): Value => g.input(name, 'bool', [name]);
  return {
    kind: 'flash',
    prefix: ruler('prefix_rows'),
    trunk: ruler('trunk_rows'),
    block: ruler('block_rows'),
    secondBlock: ruler('second_block_rows'),
    heads: ruler('heads_at_once'),
    mlpChunk: ruler('mlp_rows'),
  };
}
