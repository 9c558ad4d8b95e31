import type { DType } from './dtype.ts';
import type { Graph, Value } from './graph.ts';
import * as o from './ops.ts';

/**
 * Rows [T, H] on their way out of a session and back. bfloat16 cannot cross into JavaScript, and as float32 it would take
 * twice the memory. So each row is divided by a scale that brings its L2 norm to 2^15 and goes as float16: float16 has 11
 * binary digits where bfloat16 has 8, so rounding back to bfloat16 gives the same number, for all elements down to 2^-31 of
 * the row's norm (smaller ones keep that absolute exactness). No element can overflow, since none is larger than the norm.
 * All rows at once: by chunks in a Scan it would save two float32 copies, where a layer's own work takes more, and each Scan
 * body costs 30 MiB of handles.
 */
export interface HostRows {
  /** float16 [T, H], or float32 where the graph computes in that. */
  readonly rows: Value;
  /** float32 [T, 1]; without elements for float32. */
  readonly scales: Value;
}

/** The type in which rows of a type wait in host memory. */
export function hostType(dtype: DType): DType {
  return dtype === 'bfloat16' ? 'float16' : dtype;
}

/** The norm that rows are brought to: twice below float16's largest number, and what counts as an empty row. */
const NORM = 2 ** 15;
const LEAST = 1e-18;

export function toHost(g: Graph, x: Value): HostRows {
  if (x.dtype !== 'bfloat16') return { rows: x, scales: o.full(g, 'float32', [0, 1]) };
  const exact = o.cast(g, x, 'float32');
  const norm = o.max(g, o.sqrt(g, o.reduceSum(g, o.mul(g, exact, exact), [1], true)), LEAST);
  const scales = o.mul(g, norm, 1 / NORM);
  return { rows: o.cast(g, o.div(g, exact, scales), 'float16'), scales };
}

/** Rows of `dtype` from what toHost gave. */
export function fromHost(g: Graph, { rows, scales }: HostRows, dtype: DType): Value {
  return dtype === 'bfloat16' ? o.cast(g, o.mul(g, o.cast(g, rows, 'float32'), scales), dtype) : rows;
}
