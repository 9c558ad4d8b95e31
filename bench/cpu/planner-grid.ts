/** Shapes of small random models, as fields of config.json beside those of `random-model.ts`, and the points measured on each. */
export interface GridModel {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
}

const shape = (
  [hidden, mlp, layers, heads, kvHeads, headDim, vocabulary]: readonly number[],
  tied: boolean,
  dtype: 'float32' | 'bfloat16' = 'float32',
): GridModel['config'] => ({
  hidden_size: hidden,
  intermediate_size: mlp,
  num_hidden_layers: layers,
  num_attention_heads: heads,
  num_key_value_heads: kvHeads,
  head_dim: headDim,
  vocab_size: vocabulary,
  tie_word_embeddings: tied,
  torch_dtype: dtype,
});

export const GRID_MODELS: readonly GridModel[] = [
  { name: 'grouped', config: shape([512, 1408, 6, 8, 2, 64, 16384], true) },
  { name: 'deep', config: shape([256, 1024, 12, 4, 4, 64, 8192], false) },
  { name: 'wide', config: shape([768, 2048, 4, 12, 4, 64, 32768], true) },
  { name: 'half', config: shape([384, 1536, 8, 6, 1, 64, 4096], true, 'bfloat16') },
  { name: 'vocabulary', config: shape([512, 2048, 3, 16, 8, 32, 65536], false) },
];

export interface GridPoint {
  readonly tokens: number;
  readonly rank: number;
  readonly checkpointing: 'none' | 'layer';
}

const lengths = [1024, 2048, 3072];
const both = ['layer', 'none'] as const;

/** LoRA r=16 at all lengths with both kinds of checkpointing; a larger rank and full fine-tuning at one length. */
export const GRID_POINTS: readonly GridPoint[] = [
  ...lengths.flatMap((tokens) => both.map((checkpointing) => ({ tokens, rank: 16, checkpointing }))),
  ...[128, 0].flatMap((rank) => both.map((checkpointing) => ({ tokens: 1536, rank, checkpointing }))),
];
