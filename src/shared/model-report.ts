/** What is known of a model folder without running it. */
export interface ModelReport {
  readonly path: string;
  /** SHA-256 over configuration and weights, see `weightsFingerprint`. */
  readonly fingerprint: string;
  readonly architecture: string;
  readonly parameters: number;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly vocabSize: number;
  readonly tiedEmbeddings: boolean;
  /** Tokens that the model was made for. */
  readonly contextLength: number;
  /** RoPE kind, base and its other settings. */
  readonly rope: { readonly type: string; readonly theta: number } & Readonly<Record<string, unknown>>;
  /** Type of the stored weights (`F32`, `BF16`, ...) with the bytes of each. */
  readonly dtypes: Readonly<Record<string, number>>;
  readonly weightBytes: number;
  readonly tokenizer: {
    readonly vocabSize: number;
    readonly bosToken: string | null;
    readonly eosToken: string | null;
    readonly padToken: string | null;
    readonly stopTokens: readonly string[];
  } | null;
  /** The chat template on an example, up to the header of the answer; null where there is no usable template. */
  readonly chatExample: string | null;
  /** What stands in the way of using the model, as whole sentences; empty = usable. */
  readonly problems: readonly string[];
  readonly memory: readonly MemoryEstimate[];
}

/** Rough need of memory in bytes at one context length, for one sequence. */
export interface MemoryEstimate {
  readonly tokens: number;
  /** Generating: weights, keys and values. */
  readonly generate: number;
  /** Training all weights, and a LoRA adapter of rank 16, with layer checkpointing. */
  readonly trainFull: number;
  readonly trainLora: number;
}
