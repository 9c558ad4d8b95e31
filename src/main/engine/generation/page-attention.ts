import type { Graph, Value } from '../onnx/graph.ts';
import * as o from '../onnx/ops.ts';
import type { ModelConfig } from '../model/config.ts';

/** Keys and values of one layer [pages, PAGE, KV, D]. PagedAttention writes into them where they are. */
export interface PagedCache {
  readonly k: Value;
  readonly v: Value;
}

/**
 * Keys in one part of P V. Its rows are few and its keys many: one product would leave most of the card idle, sixteen side by
 * side fill it. Part i has every sixteenth key, from i on: so they lie side by side in the cache.
 */
const KEY_PARTS = 16;

/** What is the same for all layers of a token. */
export interface Places {
  /** Added to the scores of each place of the cache [B, 1, T]: -inf where a sequence does not see it. */
  readonly mask: Value;
  /** [T, KV, D] */
  readonly keys: Value;
  /** [KV, B, GR, T] */
  readonly scores: Value;
  /** [KV, B * GR, T / KEY_PARTS, KEY_PARTS] and, with the parts in front, [KEY_PARTS * KV, B * GR, T / KEY_PARTS] */
  readonly parts: Value;
  readonly byPart: Value;
  /** [T / KEY_PARTS, KEY_PARTS * KV, D] */
  readonly values: Value;
}

/** @param limits position of each place of the cache for each sequence, int32 [B, T]; @param last each one's newest, [B] */
export function placesOf(
  g: Graph,
  limits: Value,
  last: Value,
  like: Value,
  { numHeads, numKvHeads: KV, headDim: D }: ModelConfig,
): Places {
  const later = o.greater(g, limits, o.unsqueeze(g, last, 1));
  const hidden = g.constant(like.dtype, [-Infinity]);
  const [batch, keys] = [o.dimOf(g, limits, 0), o.dimOf(g, limits, 1)];
  const GR = numHeads / KV;
  const [rows, perPart] = [o.mul(g, batch, GR), o.div(g, keys, KEY_PARTS)];
  return {
    mask: o.unsqueeze(g, o.where(g, later, hidden, 0), 1),
    keys: o.shapeVector(g, keys, KV, D),
    scores: o.shapeVector(g, KV, batch, GR, keys),
    parts: o.shapeVector(g, KV, rows, perPart, KEY_PARTS),
    byPart: o.shapeVector(g, KEY_PARTS * KV, rows, perPart),
    values: o.shapeVector(g, perPart, KEY_PARTS * KV, D),
  };
}

/**
 * Softmax attention of one rotated query a sequence [B, H * D] over all places of the cache at once, those of other sequences
 * masked: what sequences share is read once for all of them, and for all query heads of a key head.
 * @param written comes first: the operator that writes the newest keys and values
 */
export function attendPages(
  g: Graph,
  q: Value,
  { k, v }: PagedCache,
  places: Places,
  config: ModelConfig,
  written?: Value,
): Value {
  const { numHeads, numKvHeads: KV, headDim: D } = config;
  const GR = numHeads / KV;
  // As o.after does, in the reshape that is needed anyway.
  const first = written === undefined ? [] : [g.op('Shape', [written], { start: 0, end: 0 })];
  const byHead = o.reshape(g, q, o.concat(g, [g.constant('int64', [-1, KV, GR * D]), ...first], 0));
  const queries = o.reshape(g, o.transpose(g, byHead, [1, 0, 2]), [KV, -1, D]);
  const keys = o.reshape(g, k, places.keys);
  const scores = o.matmulRowsFirst(g, queries, keys, { transB: true, alpha: D ** -0.5 });
  const p = o.softmax(g, o.add(g, o.reshape(g, scores, places.scores), places.mask));
  const parts = o.reshape(g, o.transpose(g, o.reshape(g, p, places.parts), [3, 0, 1, 2]), places.byPart);
  const partial = o.matmulRowsFirst(g, parts, o.reshape(g, v, places.values));
  // Summed by a product, which sums in single precision.
  const ones = g.constant(q.dtype, new Array<number>(KEY_PARTS).fill(1), [1, KEY_PARTS]);
  const sum = o.reshape(g, o.matmul(g, ones, o.reshape(g, partial, [KEY_PARTS, -1])), [KV, -1, GR * D]);
  return o.reshape(g, o.transpose(g, sum, [1, 0, 2]), [-1, KV * GR * D]);
}
