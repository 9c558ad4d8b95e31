import type { DType } from './dtype.ts';
import type { Value } from './graph.ts';
import { Graph } from './graph.ts';
import * as o from './ops.ts';

/**
 * Rows [T, H] on their way out of a session and back. bfloat16 cannot cross into JavaScript, and as float32 it would take
 * twice the memory. So each row is divided by a scale that brings its L2 norm to 2^15 and goes as float16: float16 has 11
 * binary digits where bfloat16 has 8, so rounding back to bfloat16 gives the same number, for all elements down to 2^-31 of
 * the row's norm (smaller ones keep that absolute exactness). No element can overflow, since none is larger than the norm.
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

/** By chunks of rows: single precision for all at once would be twice the rows' own memory. T is a multiple of `chunk`'s length. */
export function toHost(g: Graph, x: Value, chunk: Value | undefined): HostRows {
  if (x.dtype !== 'bfloat16') return { rows: x, scales: o.full(g, 'float32', [0, 1]) };
  const [rows, scales] = inChunks(g, [x], chunk, (b, [own]) => {
    const exact = o.cast(b, own as Value, 'float32');
    const norm = o.max(b, o.sqrt(b, o.reduceSum(b, o.mul(b, exact, exact), [1], true)), LEAST);
    const scale = o.mul(b, norm, 1 / NORM);
    return [o.cast(b, o.div(b, exact, scale), 'float16'), scale];
  });
  if (rows === undefined || scales === undefined) throw new Error('rows and scales');
  return { rows, scales };
}

/** Rows of `dtype` from what toHost gave. */
export function fromHost(g: Graph, { rows, scales }: HostRows, dtype: DType, chunk: Value | undefined): Value {
  if (dtype !== 'bfloat16') return rows;
  const [x] = inChunks(g, [rows, scales], chunk, (b, [half, scale]) => [
    o.cast(b, o.mul(b, o.cast(b, half as Value, 'float32'), scale as Value), 'bfloat16'),
  ]);
  if (x === undefined) throw new Error('one output');
  return x;
}

/** `build` over chunks of rows of all inputs [T, *] by a Scan; its outputs [T, *]. */
function inChunks(
  g: Graph,
  inputs: readonly Value[],
  chunk: Value | undefined,
  build: (b: Graph, rows: readonly Value[]) => readonly Value[],
): readonly Value[] {
  if (chunk === undefined) return build(g, inputs);
  const b = new Graph('host_rows', g);
  const rows = inputs.map((x) => b.anonymousInput('rows', x.dtype, [o.dim(chunk, 0), o.dim(x, 1)]));
  const built = build(b, rows);
  for (const value of built) b.output(value);
  const scans = inputs.map((x) => o.reshape(g, x, o.shapeVector(g, -1, o.dimOf(g, chunk, 0), Number(o.dim(x, 1)))));
  const outputs = g.ops('Scan', scans, { body: b, num_scan_inputs: scans.length }, { outputs: built.length });
  return outputs.map((x, i) => o.reshape(g, x, [-1, Number(o.dim(built[i] as Value, 1))]));
}
