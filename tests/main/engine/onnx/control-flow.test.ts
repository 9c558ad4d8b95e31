import { describe, expect, it } from 'vitest';
import { unknownDim } from '../../../../src/main/engine/onnx/dim.ts';
import { Graph } from '../../../../src/main/engine/onnx/graph.ts';
import type { Value } from '../../../../src/main/engine/onnx/graph.ts';
import * as o from '../../../../src/main/engine/onnx/ops.ts';
import { bool, float32, int64, runGraph } from './run-graph.ts';

function branch(g: Graph, label: string, build: (inner: Graph) => readonly Value[]): Graph {
  const inner = new Graph(label, g);
  for (const value of build(inner)) inner.output(value);
  return inner;
}

interface Body {
  readonly b: Graph;
  readonly i: Value;
  readonly going: Value;
}

function body(g: Graph, label: string): Body {
  const b = new Graph(label, g);
  return { b, i: b.anonymousInput('i', 'int64', []), going: b.anonymousInput('going', 'bool', []) };
}

/** Powers: carries acc *= x from 1, scans acc and the iteration; x is a value of the outer graph. */
function powers(g: Graph, count: Value, x: Value): readonly Value[] {
  const { b, i, going } = body(g, 'powers');
  const acc = b.anonymousInput('acc', 'float32', [2]);
  const next = o.mul(b, acc, x);
  b.output(going);
  b.output(next);
  b.output(next);
  b.output(i);
  return g.ops('Loop', [count, undefined, o.full(g, 'float32', [2], 1)], { body: b }, { outputs: 3 });
}

/** Every name of values and nodes in a graph and its subgraphs, as often as it is defined. */
function names(graph: Graph): { readonly values: string[]; readonly nodes: string[] } {
  const values = [...graph.inputs, ...graph.initializers.map((item) => item.value)].map((value) => value.name);
  const nodes: string[] = [];
  for (const node of graph.nodes) {
    nodes.push(node.name);
    values.push(...node.outputs.map((value) => value.name));
    for (const attribute of Object.values(node.attributes)) {
      if (!(attribute instanceof Graph)) continue;
      const inner = names(attribute);
      values.push(...inner.values);
      nodes.push(...inner.nodes);
    }
  }
  return { values, nodes };
}

describe('Loop', () => {
  it('carries, scans and reads outer values, also for zero iterations', async () => {
    const g = new Graph('test');
    const [count, x] = [g.input('count', 'int64', []), g.input('x', 'float32', [2])];
    powers(g, count, x).forEach((value, k) => g.output(value, `y${k}`));
    const feed = (n: number) => ({ count: int64([n], []), x: float32([2, 3]) });
    const [three, zero] = await runGraph(g, feed(3), feed(0));
    expect(three).toEqual({
      y0: { data: [8, 27], dims: [2] },
      y1: { data: [2, 3, 4, 9, 8, 27], dims: [3, 2] },
      y2: { data: [0, 1, 2], dims: [3] },
    });
    expect(zero?.['y0']).toEqual({ data: [1, 1], dims: [2] });
    expect(zero?.['y2']).toEqual({ data: [], dims: [0] });
    expect(zero?.['y1']?.data).toEqual([]);
    expect(zero?.['y1']?.dims[0]).toBe(0);
  });

  it('stops when its condition says so, with fewer scans than its count', async () => {
    const g = new Graph('test');
    const limit = g.input('limit', 'float32', []);
    const { b, i } = body(g, 'until');
    const sum = b.anonymousInput('sum', 'float32', []);
    const next = o.add(b, sum, o.cast(b, i, 'float32'));
    b.output(o.less(b, next, limit));
    b.output(next);
    b.output(next);
    const start = g.constant('float32', 0);
    const [total, seen] = g.ops('Loop', [g.constant('int64', 100), undefined, start], { body: b }, { outputs: 2 });
    if (total === undefined || seen === undefined) throw new Error('two outputs');
    // The count is 100, but nobody knows how often it runs.
    expect(String(seen.shape[0])).toMatch(/^\?/);
    g.output(total, 'total');
    g.output(seen, 'seen');
    const [result] = await runGraph(g, { limit: float32([10], []) });
    expect(result).toEqual({ total: { data: [10], dims: [] }, seen: { data: [0, 1, 3, 6, 10], dims: [5] } });
  });

  it('carries a value that grows', async () => {
    const g = new Graph('test');
    const { b, i, going } = body(g, 'grow');
    const list = b.anonymousInput('list', 'int64', [unknownDim()]);
    b.output(going);
    b.output(o.concat(b, [list, o.unsqueeze(b, i, 0)], 0));
    const grown = g.op('Loop', [g.input('n', 'int64', []), undefined, o.full(g, 'int64', [0])], { body: b });
    g.output(o.add(g, grown, g.constant('int64', 1)), 'y');
    const [result] = await runGraph(g, { n: int64([4], []) });
    expect(result?.['y']).toEqual({ data: [1, 2, 3, 4], dims: [4] });
  });

  it('body may give back its inputs, one value twice, constants and outer values', async () => {
    const g = new Graph('test');
    const x = g.input('x', 'float32', [2]);
    const { b, i, going } = body(g, 'plain');
    const a = b.anonymousInput('a', 'float32', [2]);
    const sum = o.add(b, a, x);
    b.output(going);
    b.output(x);
    b.output(a);
    b.output(i);
    b.output(b.constant('float32', [7]));
    b.output(sum);
    b.output(sum);
    const outputs = g.ops('Loop', [g.constant('int64', 2), undefined, o.neg(g, x)], { body: b }, { outputs: 6 });
    outputs.forEach((value, k) => g.output(value, `y${k}`));
    const [result] = await runGraph(g, { x: float32([1, 2]) });
    expect(Object.values(result ?? {}).map(({ data }) => data)).toEqual([
      [1, 2],
      [-1, -2, 1, 2],
      [0, 1],
      [7, 7],
      [0, 0, 2, 4],
      [0, 0, 2, 4],
    ]);
  });
});

describe('If', () => {
  it('reads outer values and may give them back as they are', async () => {
    const g = new Graph('test');
    const [flag, x] = [g.input('flag', 'bool', []), g.input('x', 'float32', ['N'])];
    const doubled = o.mul(g, x, 2);
    const outputs = g.ops(
      'If',
      [flag],
      {
        then_branch: branch(g, 'then', (b) => [o.add(b, doubled, x), b.constant('int64', 5)]),
        else_branch: branch(g, 'else', (b) => [doubled, b.constant('int64', -5)]),
      },
      { outputs: 2 },
    );
    expect(outputs.map(({ shape }) => shape)).toEqual([['N'], []]);
    outputs.forEach((value, k) => g.output(value, `y${k}`));
    const results = await runGraph(g, { flag: bool(true), x: float32([1, 2]) }, { flag: bool(false), x: float32([4]) });
    expect(results.map((result) => [result['y0']?.data, result['y1']?.data])).toEqual([
      [[3, 6], [5]],
      [[8], [-5]],
    ]);
  });

  it('gives unknown sizes where its branches differ', () => {
    const g = new Graph('test');
    const x = g.input('x', 'float32', ['N', 3]);
    const y = g.op('If', [g.input('flag', 'bool', [])], {
      then_branch: branch(g, 'then', (b) => [o.slice(b, x, 0, 1, 0)]),
      else_branch: branch(g, 'else', () => [x]),
    });
    expect(y.shape[1]).toBe(3);
    expect(String(y.shape[0])).toMatch(/^\?/);
  });
});

/** sum over i < n of (i even ? x * (0 + 1 + ... + i) : -x), by a Loop in an If in a Loop. */
function nested(g: Graph, n: Value, x: Value): Value {
  const { b, i, going } = body(g, 'outer');
  const total = b.anonymousInput('total', 'float32', [2]);
  const even = o.equal(b, b.op('Mod', [i, b.constant('int64', 2)]), 0);
  const term = b.op('If', [even], {
    then_branch: branch(b, 'even', (e) => {
      const inner = body(e, 'inner');
      const sum = inner.b.anonymousInput('sum', 'float32', [2]);
      // Reads values of all three graphs outside of it.
      const step = o.mul(inner.b, x, o.cast(inner.b, inner.i, 'float32'));
      inner.b.output(inner.going);
      inner.b.output(o.add(inner.b, sum, step));
      return [e.op('Loop', [o.add(e, i, 1), undefined, o.full(e, 'float32', [2])], { body: inner.b })];
    }),
    else_branch: branch(b, 'odd', (e) => [o.neg(e, x)]),
  });
  b.output(going);
  b.output(o.add(b, total, term));
  return g.op('Loop', [n, undefined, o.full(g, 'float32', [2])], { body: b });
}

describe('subgraphs in subgraphs', () => {
  it('compute what they say', async () => {
    const g = new Graph('test');
    g.output(nested(g, g.input('n', 'int64', []), g.input('x', 'float32', [2])), 'y');
    const counts = [0, 1, 2, 5, 6];
    const results = await runGraph(g, ...counts.map((n) => ({ n: int64([n], []), x: float32([1, 10]) })));
    const factor = (n: number): number =>
      Array.from({ length: n }, (_, i) => (i % 2 === 0 ? (i * (i + 1)) / 2 : -1)).reduce((a, b) => a + b, 0);
    expect(results.map((result) => result['y']?.data)).toEqual(counts.map((n) => [factor(n) + 0, 10 * factor(n) + 0]));
  });

  it('have names that are unique in the whole model', () => {
    const g = new Graph('test');
    const [n, x] = [g.input('n', 'int64', []), g.input('x', 'float32', [2])];
    g.scope('layer', () => {
      g.output(nested(g, n, x), 'first');
      g.output(nested(g, n, x), 'second');
      powers(g, n, x).forEach((value, k) => g.output(value, `y${k}`));
    });
    const { values, nodes } = names(g);
    expect(values.length).toBeGreaterThan(60);
    expect(new Set(values).size).toBe(values.length);
    expect(new Set(nodes).size).toBe(nodes.length);
    expect(nodes.every((name) => name.startsWith('layer/') || name.startsWith('Identity'))).toBe(true);
  });

  it('refuse an input name that is taken', () => {
    const g = new Graph('test');
    g.input('x', 'float32', [2]);
    expect(() => g.input('x', 'float32', [2])).toThrow(/"x" .*test/);
    expect(() => g.external('x', 'float32', [2], { path: 'w', offset: 0, length: 8 })).toThrow(/"x" .*test/);
    expect(() => new Graph('inner', g).input('x', 'float32', [2])).toThrow(/"x" .*test/);
    const y = o.exp(g, g.input('z', 'float32', [2]));
    g.output(y, 'y');
    expect(() => g.output(y, 'y')).toThrow(/"y" .*test/);
  });
});

describe('a value that a graph does not see', () => {
  const cases: Readonly<Record<string, (g: Graph) => unknown>> = {
    'of a sibling': (g) => {
      const inside = o.exp(new Graph('left', g), g.input('x', 'float32', [2]));
      return o.exp(new Graph('right', g), inside);
    },
    'of an inner graph': (g) => o.exp(g, o.exp(new Graph('left', g), g.input('x', 'float32', [2]))),
    'of another model': (g) => o.exp(g, new Graph('left').input('x', 'float32', [2])),
    'of an inner graph as an output': (g) => {
      g.output(o.exp(new Graph('left', g), g.input('x', 'float32', [2])), 'y');
    },
    'of a sibling as a branch output': (g) => {
      const inside = o.exp(new Graph('left', g), g.input('x', 'float32', [2]));
      new Graph('right', g).output(inside);
    },
  };
  it.each(Object.entries(cases))('%s is refused by name', (_, build) => {
    expect(() => build(new Graph('main'))).toThrow(
      /(Exp_\d+|x) belongs to graph "left", not visible in "(main|right)" \(at .*control-flow\.test\.ts:\d+\)$/,
    );
  });

  it('a subgraph is refused where its parent is another graph', () => {
    const g = new Graph('main');
    const flag = g.input('flag', 'bool', []);
    const other = new Graph('other');
    const x = other.input('x', 'float32', [2]);
    const wrong = branch(other, 'left', () => [x]);
    expect(() => g.op('If', [flag], { then_branch: wrong, else_branch: wrong })).toThrow(/^If: .*"left".*"main"/);
  });
});
