import type { ModelConfig } from '../model/config.ts';
import type { ComputeType } from '../model/converted-weights.ts';
import type { Checkpointing } from '../model/decoder.ts';
import { fullLayout, loraLayout } from '../model/parameters.ts';
import type { LoraChoice, ParameterLayout } from '../model/parameters.ts';
import type { Device } from '../onnx/session.ts';
import type { AttentionKind } from './program-inputs.ts';
import type { Program } from './resident-graph.ts';

export interface ResidentOptions {
  readonly device: Device;
  /** Number of the CUDA card. */
  readonly deviceId?: number;
  /** The type of weights and activations: default float32 on the CPU, bfloat16 on CUDA. */
  readonly dtype?: ComputeType;
  /** Default: flash attention for bfloat16. The CPU computes it too, in float32 (for tests). */
  readonly attention?: AttentionKind;
  /** Threads inside one operator; fixed so that sums are made in the same order each time. */
  readonly threads: number;
  readonly trainable: { readonly kind: 'full' } | ({ readonly kind: 'lora' } & LoraChoice) | LayoutChoice;
  readonly checkpointing?: Checkpointing;
  /** Use the linear layers' weights in 4 bits (not with full training): converted once into a folder below this one. */
  readonly int4Folder?: string;
  /** Stops the conversion to 4 bits. */
  readonly signal?: AbortSignal;
  /** Hears of each layer that is converted; not called where an earlier conversion is found whole. */
  readonly onConversion?: (layers: number, total: number) => void;
  /** Programs to build (all when left out). */
  readonly programs?: readonly Program[];
  /** Longest query block of the attention, and rows of the loss head in one chunk. */
  readonly attentionBlock?: number;
  readonly lossChunk?: number;
  /** With flash attention: rows of the MLP at a time, and scores of attention at a time on the way back. */
  readonly mlpRows?: number;
  readonly scoresAtOnce?: number;
  /**
   * Bytes of the card's memory that are taken in large pieces once the model is there (in whole GiB, 96 at most; as much as
   * there is) and given back with it. The pieces that runs take as they grow cannot be joined: a long row needs more of them.
   */
  readonly reserveBytes?: number;
  /**
   * Layers in a segment: a gradient step is then several runs, and what lies between them waits in host memory. Left out,
   * or at least as many as the model has: one run.
   */
  readonly segmentLayers?: number;
  /** What of the computer's memory segments may use; default: what is free when a step begins. */
  readonly hostBytes?: number;
  /** New tokens by PagedAttention; default: on CUDA in bfloat16, where alone it runs. */
  readonly paged?: boolean;
  /** With it, attention over all sequences at once; default: where that is faster, see `isFasterTogether`. */
  readonly together?: boolean;
  /**
   * Generate with the adapter added to a copy of the weights: faster, for the memory of the adapted ones. Default: no, because
   * bfloat16 has 8 bits: what a short training adds to a weight is rounded away.
   */
  readonly mergeAdapter?: boolean;
  /** Batched prompts longer than this (after the prefix) are decoded one by one: all at once would take much memory. */
  readonly longPrompt?: number;
  readonly profile?: string;
  readonly arena?: boolean;
}

/** A layout that is already there (an adapter read from disk). */
interface LayoutChoice {
  readonly kind: 'layout';
  readonly layout: ParameterLayout;
}

/** How much is computed at a time. */
export interface Limits {
  /** Rows of a query block. */
  readonly block: number;
  /** Rows of the loss head. */
  readonly lossChunk: number;
  /** With flash attention: rows of the MLP (0: all), and scores of attention on the way back. */
  readonly mlpRows: number;
  readonly scores: number;
}

/** Larger blocks cost memory, smaller ones time: measured on two CPU cores, and on an H100. */
const LIMITS = {
  blocks: { block: 256, lossChunk: 256, mlpRows: 0, scores: 0 },
  flash: { block: 1024, lossChunk: 1024, mlpRows: 4096, scores: 1.2e9 },
  // Who uses 4-bit weights is short of memory: with these, an 8B model's pair of 32K tokens fits into 24 GiB.
  flashInt4: { block: 1024, lossChunk: 1024, mlpRows: 1024, scores: 1.5e8 },
} as const;

/** The trained numbers of a session, in their order. */
export function layoutOf(config: ModelConfig, { trainable }: ResidentOptions): ParameterLayout {
  if (trainable.kind === 'layout') return trainable.layout;
  return trainable.kind === 'full' ? fullLayout(config) : loraLayout(config, trainable);
}

/** Type and attention of a session: what the options say, or what the device is best at. */
export function precision({ device, dtype, attention }: ResidentOptions): {
  dtype: ComputeType;
  attention: AttentionKind;
} {
  const type = dtype ?? (device === 'cpu' ? 'float32' : 'bfloat16');
  return { dtype: type, attention: attention ?? (type === 'bfloat16' ? 'flash' : 'blocks') };
}

/** Whether new tokens are decoded by PagedAttention. */
export function isPaged(options: ResidentOptions): boolean {
  return options.paged ?? (options.device === 'cuda' && precision(options).dtype === 'bfloat16');
}

/** The block sizes of a session. */
export function limitsOf(options: ResidentOptions): Limits {
  const { attentionBlock, lossChunk, mlpRows, scoresAtOnce, int4Folder } = options;
  const { attention } = precision(options);
  const usual = LIMITS[attention === 'flash' && int4Folder !== undefined ? 'flashInt4' : attention];
  return {
    block: attentionBlock ?? usual.block,
    lossChunk: lossChunk ?? usual.lossChunk,
    mlpRows: mlpRows ?? usual.mlpRows,
    scores: scoresAtOnce ?? usual.scores,
  };
}
