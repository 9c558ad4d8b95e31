import { reverseMode } from './autodiff.ts';
import { wide } from './dtype.ts';
import type { Value } from './graph.ts';
import { Graph } from './graph.ts';
import * as o from './ops.ts';

/** A part of a network that treats every row on its own, such as a decoder layer's MLP. */
export interface RowScanInput<Outside> {
  /** Rows [T, H]; T is a multiple of the chunk. */
  readonly x: Value;
  /** A tensor whose first dimension is the number of rows in a chunk (only its shape is read, which costs no copy). */
  readonly chunk: Value;
  /** Trainable values of outer scopes that `build` reads. */
  readonly shared: readonly Value[];
  /** What all chunks share, made once in each direction, when `ready` is there (weights that are unpacked). */
  readonly outside: (g: Graph, ready: Value) => Outside;
  /** Rows [chunk, H] in and out. */
  readonly build: (g: Graph, rows: Value, outside: Outside) => Value;
}

interface Body {
  readonly b: Graph;
  readonly rows: () => Value;
}

function openBody(g: Graph, label: string, { x, chunk }: Pick<RowScanInput<unknown>, 'x' | 'chunk'>): Body {
  const b = new Graph(label, g);
  const shape = [o.dim(chunk, 0), o.dim(x, 1)];
  return { b, rows: () => b.anonymousInput('rows', x.dtype, shape) };
}

function inChunks(g: Graph, rows: Value, chunk: Value): Value {
  return o.reshape(g, rows, o.shapeVector(g, -1, o.dimOf(g, chunk, 0), Number(o.dim(rows, 1))));
}

/**
 * Runs `build` over chunks of rows by an ONNX Scan, so that its intermediates exist for one chunk only. The backward rule
 * computes each chunk again. It has scan outputs only, no carried sums: the CUDA arena cannot reuse memory for those.
 */
export function rowScan<Outside>(g: Graph, input: RowScanInput<Outside>): Value {
  const { x, chunk, shared, outside, build } = input;
  const [output] = g.composite(
    [x, ...shared],
    (graph) => {
      const { b, rows } = openBody(graph, 'rows_forward', input);
      b.output(build(b, rows(), outside(graph, x)));
      const y = graph.op('Scan', [inChunks(graph, x, chunk)], { body: b, num_scan_inputs: 1 });
      return [o.reshape(graph, y, o.shapeOf(graph, x))];
    },
    (graph, { gradients }) => {
      const [gradient] = gradients;
      if (gradient === undefined) return [];
      const { b, rows } = openBody(graph, 'rows_backward', input);
      const [own, incoming] = [rows(), rows()];
      const around = outside(graph, gradient);
      const { result, tape } = b.record(() => build(b, own, around));
      const [dx, ...rest] = reverseMode(b, tape, [{ value: result, gradient: incoming }], [own, ...shared]);
      if (dx === undefined) throw new Error('the rows have an influence on the result');
      b.output(dx);
      const trained = rest.filter((value) => value !== undefined);
      // Each chunk's part is summed in single precision at least.
      for (const value of trained) b.output(o.cast(b, value, wide(value.dtype)));
      const scans = [inChunks(graph, x, chunk), inChunks(graph, gradient, chunk)];
      const attributes = { body: b, num_scan_inputs: 2 };
      const [rowGradients, ...parts] = graph.ops('Scan', scans, attributes, { outputs: 1 + trained.length });
      if (rowGradients === undefined) throw new Error('the scan gives the rows first');
      const sums = parts.map((part) => o.reduceSum(graph, part, [0]));
      const found = rest.map((value) => {
        const sum = value === undefined ? undefined : sums.shift();
        return sum === undefined || value === undefined ? undefined : o.cast(graph, sum, value.dtype);
      });
      return [o.reshape(graph, rowGradients, o.shapeOf(graph, x)), ...found];
    },
  );
  if (output === undefined) throw new Error('one output');
  return output;
}
