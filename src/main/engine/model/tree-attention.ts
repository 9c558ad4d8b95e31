import { attentionPlan, blockAttention } from '../onnx/block-attention.ts';
import type { DType } from '../onnx/dtype.ts';
import { flashAttention, flashPlan } from '../onnx/flash-attention.ts';
import type { FlashPlan, FlashRulers } from '../onnx/flash-attention.ts';
import type { Graph, Value } from '../onnx/graph.ts';
import type { ModelConfig } from './config.ts';
import type { Attend } from './decoder.ts';

/** The shape of a tree row in whole blocks inside a graph; see resident/block-rows.ts for how it is laid out. */
export interface TreeValues {
  /** int64 [blocks, 4]: which keys each block sees. */
  readonly table: Value;
  /** Rows in a block, an int64 vector of length 1. */
  readonly block: Value;
}

/**
 * Attention over `[prefix | first | second]`: prefix and first branch causally, the second branch over prefix and
 * itself. Exactly the packed pair's rule "token i sees j <= i of the prefix or of its own branch", without a mask by
 * branch, and pairs that do not see each other cost nothing. Make it once for all layers of a program.
 */
export function treeAttention(g: Graph, config: ModelConfig, tree: TreeValues, dtype: DType): Attend {
  const kvHeads = config.numKvHeads;
  const groups = config.numHeads / kvHeads;
  const plan = attentionPlan(g, tree.table, tree.block, groups, dtype);
  return (graph, q, k, v) => blockAttention(graph, { q, k, v, kvHeads, groups, headDim: config.headDim, plan });
}

/** The same rule by flash attention; `rows` is a tensor [T, ...] of the row. Make it in the program's own graph. */
export function flashTreeAttention(
  g: Graph,
  config: ModelConfig,
  rulers: FlashRulers,
  rows: Value,
  dtype: DType,
  trains: boolean,
): { readonly attend: Attend; readonly plan: FlashPlan } {
  const { numHeads, numKvHeads: kvHeads, headDim } = config;
  const plan = flashPlan(g, rulers, { kvHeads, groups: numHeads / kvHeads, headDim }, rows, dtype, trains);
  return { attend: (graph, q, k, v) => flashAttention(graph, { q, k, v, plan }), plan };
}
