import { expect, it } from 'vitest';
import { Graph } from '../../../../src/main/engine/onnx/graph.ts';
import * as o from '../../../../src/main/engine/onnx/ops.ts';
import { float32, runGraph } from './run-graph.ts';

it('gives a made value the name of the output, and copies only what cannot take it', async () => {
  const g = new Graph('outputs');
  const x = g.input('x', 'float32', [2]);
  const sum = o.add(g, x, g.constant('float32', 1));
  g.output(sum, 'sum');
  g.output(sum, 'again');
  g.output(x, 'same');
  g.output(g.constant('float32', [7]), 'seven');
  g.output(o.mul(g, sum, sum), 'square'); // reads the value that has the new name
  expect(g.nodes.map(({ opType }) => opType)).toEqual(['Add', 'Identity', 'Identity', 'Identity', 'Mul']);

  const [outputs = {}] = await runGraph(g, { x: float32([1, 2]) });
  const values = Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data]));
  expect(values).toEqual({ sum: [2, 3], again: [2, 3], same: [1, 2], seven: [7], square: [4, 9] });
});

it('refuses a name that is taken', () => {
  const g = new Graph('taken');
  const x = g.input('x', 'float32', [1]);
  expect(() => g.output(o.neg(g, x), 'x')).toThrow(/"x" is taken/);
});
