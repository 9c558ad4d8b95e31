import { expect, it } from 'vitest';
import { Graph } from '../../../../src/main/engine/onnx/graph.ts';
import * as o from '../../../../src/main/engine/onnx/ops.ts';

it('has each operator of index arithmetic once, and all others as often as they are asked for', () => {
  const g = new Graph('test');
  const x = g.input('x', 'float32', ['T', 4]);
  const rows = o.dimOf(g, x, 0);
  expect(o.dimOf(g, x, 0)).toBe(rows);
  expect(o.dimOf(g, x, 1)).not.toBe(rows);
  expect(o.shapeVector(g, rows, 2)).toBe(o.shapeVector(g, o.dimOf(g, x, 0), 2));
  expect(o.sub(g, rows, 1)).not.toBe(o.sub(g, rows, 2));
  // Floats of one value may be made twice on purpose: a recomputation.
  expect(o.add(g, x, x)).not.toBe(o.add(g, x, x));
  const nodes = g.nodes.length;
  // A number of an outer scope would lie on the card.
  const inner = new Graph('inner', g);
  expect(o.dimOf(inner, x, 0)).not.toBe(rows);
  expect(g.nodes).toHaveLength(nodes);
});
