import type { Graph, Value } from '../onnx/graph.ts';
import * as o from '../onnx/ops.ts';

/**
 * Rotary tables and positions inside a graph: cos and sin [L, headDim / 2], positions int64 [T]. With `byRow`, row t of
 * the tables belongs to row t of the sequence and positions [1, T] count the rows.
 */
export interface RotaryValues {
  readonly cos: Value;
  readonly sin: Value;
  readonly positions: Value;
  readonly byRow?: boolean;
}

/**
 * The same with one row of the tables for each row of a long sequence: the operator treats the sequence as a whole then
 * (its CUDA kernel takes at most 65,535 rows of a batch).
 */
export function rotaryByRow(g: Graph, { cos, sin, positions }: RotaryValues): RotaryValues {
  const rows = o.arange(g, o.dimOf(g, positions, 0));
  const at = (table: Value): Value => o.gather(g, table, positions);
  return { cos: at(cos), sin: at(sin), positions: o.unsqueeze(g, rows, 0), byRow: true };
}

/**
 * Rotary position embedding (Su et al. 2021) with Hugging Face's pairing: channel i with i + headDim / 2.
 * x [T, heads * headDim] in, the same out. The fused operator has no float64 kernel.
 */
export function rotate(g: Graph, x: Value, heads: number, rotary: RotaryValues): Value {
  if (x.dtype === 'float64') return rotateWrittenOut(g, x, heads, rotary);
  const attributes = { num_heads: heads, interleaved: 0, rotary_embedding_dim: 0 };
  if (rotary.byRow === true) {
    const inputs = [o.unsqueeze(g, x, 0), rotary.positions, rotary.cos, rotary.sin];
    return o.squeeze(g, g.op('RotaryEmbedding', inputs, attributes), 0);
  }
  // One token a row: the operator refuses rows longer than the tables, which a batch of short prompts would be.
  const positions = rotary.positions.rank === 2 ? rotary.positions : o.unsqueeze(g, rotary.positions, 1);
  const y = g.op('RotaryEmbedding', [o.unsqueeze(g, x, 1), positions, rotary.cos, rotary.sin], attributes);
  return o.squeeze(g, y, 1);
}

function rotateWrittenOut(g: Graph, x: Value, heads: number, { cos, sin, positions }: RotaryValues): Value {
  const half = Number(o.dim(cos, 1));
  const at = (table: Value): Value => o.unsqueeze(g, o.gather(g, table, positions), 1);
  const [c, s] = [at(cos), at(sin)];
  const [a, b] = o.split(g, o.reshape(g, x, [-1, heads, 2 * half]), [half, half], 2);
  if (a === undefined || b === undefined) throw new Error('two halves');
  const first = o.sub(g, o.mul(g, a, c), o.mul(g, b, s));
  const second = o.add(g, o.mul(g, b, c), o.mul(g, a, s));
  return o.reshape(g, o.concat(g, [first, second], 2), [-1, heads * 2 * half]);
}
