import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { GraphError } from '../../../../src/main/engine/onnx/graph-error.ts';
import { Graph } from '../../../../src/main/engine/onnx/graph.ts';
import type { Value } from '../../../../src/main/engine/onnx/graph.ts';
import { reverseMode } from '../../../../src/main/engine/onnx/autodiff.ts';
import type { Dim } from '../../../../src/main/engine/onnx/dim.ts';
import type { DType } from '../../../../src/main/engine/onnx/dtype.ts';
import * as o from '../../../../src/main/engine/onnx/ops.ts';

const FILE = path.relative(process.cwd(), import.meta.filename);
const LINES = readFileSync(import.meta.filename, 'utf8').split('\n');

let inputs = 0;
/** A float32 input of a shape. */
const f = (g: Graph, ...shape: Dim[]): Value => g.input(`in${(inputs += 1)}`, 'float32', shape);
const of = (g: Graph, dtype: DType, ...shape: Dim[]): Value => g.input(`in${(inputs += 1)}`, dtype, shape);
const i64 = (g: Graph, ...data: number[]): Value => g.constant('int64', data);

/** What PagedAttention takes for T tokens, 4 query heads and 2 others of 16 channels, with a cache in pages. */
function paged(g: Graph, cache: Value): (Value | undefined)[] {
  const int32 = (...shape: Dim[]): Value => of(g, 'int32', ...shape);
  const rows = [f(g, 'T', 64), f(g, 'T', 32), f(g, 'T', 32), cache, cache];
  const none = new Array<undefined>(8).fill(undefined);
  return [...rows, int32('B1'), int32('B'), int32('B', 'pages'), ...none, int32(3)];
}
const HEADS = { num_heads: 4, kv_num_heads: 2 };

function error(build: (g: Graph) => unknown): GraphError {
  try {
    build(new Graph('test'));
  } catch (thrown) {
    if (thrown instanceof GraphError) return thrown;
    throw thrown;
  }
  throw new Error('was not refused');
}

function branch(g: Graph, value: (inner: Graph) => Value): Graph {
  const inner = new Graph('branch', g);
  inner.output(value(inner));
  return inner;
}

function loopBody(g: Graph, carried: DType, end: DType, shape: Dim[] = [2]): Graph {
  const body = new Graph('body', g);
  body.anonymousInput('i', 'int64', []);
  const going = body.anonymousInput('going', 'bool', []);
  const value = body.anonymousInput('carried', carried, shape);
  body.output(going);
  body.output(o.cast(body, value, end));
  return body;
}

/** What is refused: a name, the call, and the words that the message must have, the operator first. */
const REFUSED: readonly (readonly [string, (g: Graph) => unknown, readonly string[]])[] = [
  ['broadcast of sizes', (g) => o.add(g, f(g, 2, 3), f(g, 4)), ['Add', '[2, 3]', '[4]']],
  ['broadcast of symbols', (g) => o.mul(g, f(g, 'T', 3), f(g, 'S', 3)), ['Mul', '[T, 3]', '[S, 3]']],
  ['broadcast of a symbol plus one', (g) => o.sub(g, f(g, 'T'), f(g, 'T+1')), ['Sub', '[T]', '[T+1]']],
  ['float and integer', (g) => o.div(g, f(g, 2), of(g, 'int64', 2)), ['Div', 'float32[2]', 'int64[2]']],
  ['two float widths', (g) => o.add(g, f(g, 2), of(g, 'float64', 2)), ['Add', 'float32[2]', 'float64[2]']],
  ['two integer widths', (g) => o.max(g, of(g, 'int32', 2), of(g, 'int64', 2)), ['Max', 'int32[2]', 'int64[2]']],
  ['comparison of types', (g) => o.less(g, f(g, 2), of(g, 'int64', 2)), ['Less', 'float32[2]', 'int64[2]']],
  ['booleans added', (g) => o.add(g, of(g, 'bool', 2), of(g, 'bool', 2)), ['Add', 'bool[2]']],
  ['three operands', (g) => g.op('Max', [f(g, 2), f(g, 2), f(g, 3)]), ['Max', '[2]', '[3]']],
  ['one operand', (g) => g.op('Min', [f(g, 2)]), ['Min', '[2]']],
  ['Mod of floats', (g) => g.op('Mod', [f(g, 2), f(g, 2)]), ['Mod', 'float32[2]']],
  ['a missing operand', (g) => g.op('Add', [f(g, 2), undefined]), ['Add', '[2]', 'missing']],
  ['an unknown operator', (g) => g.op('Einsum', [f(g, 2)]), ['Einsum']],
  ['Not of a float', (g) => o.not(g, f(g, 2)), ['Not', 'float32[2]']],
  ['And of integers', (g) => o.and(g, of(g, 'int64', 2), of(g, 'int64', 2)), ['And', 'int64[2]']],
  ['Neg of booleans', (g) => o.neg(g, of(g, 'bool', 2)), ['Neg', 'bool[2]']],
  ['Exp of integers', (g) => o.exp(g, of(g, 'int64', 2)), ['Exp', 'int64[2]']],
  ['Softmax axis', (g) => g.op('Softmax', [f(g, 2, 3)], { axis: 2 }), ['Softmax', '[2, 3]', 'axis 2']],
  ['MatMul sizes', (g) => o.matmul(g, f(g, 2, 3), f(g, 4, 5)), ['MatMul', '[2, 3]', '[4, 5]', '3', '4']],
  ['MatMul symbols', (g) => o.matmul(g, f(g, 2, 'T'), f(g, 'S', 5)), ['MatMul', '[2, T]', '[S, 5]']],
  ['MatMul of a vector', (g) => o.matmul(g, f(g, 3), f(g, 3, 4)), ['MatMul', '[3]', '[3, 4]']],
  ['MatMul batches', (g) => o.matmul(g, f(g, 2, 2, 3), f(g, 3, 3, 4)), ['MatMul', '[2, 2, 3]', '[3, 3, 4]']],
  ['MatMul types', (g) => o.matmul(g, f(g, 2, 3), of(g, 'int64', 3, 4)), ['MatMul', 'float32[2, 3]', 'int64[3, 4]']],
  [
    'FusedMatMul',
    (g) => o.fusedMatMul(g, f(g, 2, 3), f(g, 3, 4), { transA: true }),
    ['FusedMatMul', '[2, 3]', '[3, 4]'],
  ],
  ['Gemm rank', (g) => o.gemm(g, f(g, 2, 2, 3), f(g, 3, 4)), ['Gemm', '[2, 2, 3]', '[3, 4]']],
  ['Gemm bias', (g) => o.gemm(g, f(g, 2, 3), f(g, 3, 4), f(g, 3)), ['Gemm', '[2, 3]', '[3, 4]', '[3]']],
  ['Gemm wide bias', (g) => o.gemm(g, f(g, 1, 3), f(g, 3, 4), f(g, 2, 4)), ['Gemm', '[1, 3]', '[3, 4]', '[2, 4]']],
  ['Concat sizes', (g) => o.concat(g, [f(g, 2, 3), f(g, 2, 4)], 0), ['Concat', '[2, 3]', '[2, 4]']],
  ['Concat ranks', (g) => o.concat(g, [f(g, 2, 3), f(g, 2)], 0), ['Concat', '[2, 3]', '[2]']],
  ['Concat types', (g) => o.concat(g, [f(g, 2), of(g, 'int64', 2)], 0), ['Concat', 'float32[2]', 'int64[2]']],
  ['Concat axis', (g) => o.concat(g, [f(g, 2), f(g, 2)], 1), ['Concat', '[2]', 'axis 1']],
  ['Reshape count', (g) => o.reshape(g, f(g, 2, 3), [4]), ['Reshape', '[2, 3]', '[4]']],
  ['Reshape rest', (g) => o.reshape(g, f(g, 2, 3), [4, -1]), ['Reshape', '[2, 3]', '[4, -1]']],
  ['Reshape two rests', (g) => o.reshape(g, f(g, 2, 3), [-1, -1]), ['Reshape', '[2, 3]', '[-1, -1]']],
  ['Reshape below -1', (g) => o.reshape(g, f(g, 2, 3), [-2, 3]), ['Reshape', '[2, 3]', '[-2, 3]']],
  [
    'Reshape symbols',
    (g) => o.reshape(g, f(g, 'T', 64), o.shapeOf(g, f(g, 'T', 32))),
    ['Reshape', '[T, 64]', '[T, 32]'],
  ],
  ['Reshape copy', (g) => o.reshape(g, f(g, 6), [2, 0]), ['Reshape', '[6]']],
  ['Reshape to floats', (g) => g.op('Reshape', [f(g, 6), g.constant('float32', [6])]), ['Reshape', '[6]', 'int64']],
  ['Transpose', (g) => o.transpose(g, f(g, 2, 3), [0, 2]), ['Transpose', '[2, 3]', '[0, 2]']],
  ['Transpose twice', (g) => o.transpose(g, f(g, 2, 3), [0, 0]), ['Transpose', '[2, 3]', '[0, 0]']],
  ['Slice axis', (g) => o.slice(g, f(g, 2, 3), 0, 1, 2), ['Slice', '[2, 3]', 'axis 2']],
  ['Gather indices', (g) => o.gather(g, f(g, 2, 3), f(g, 2)), ['Gather', 'float32[2, 3]', 'float32[2]']],
  ['Gather axis', (g) => o.gather(g, f(g, 2, 3), i64(g, 0), 2), ['Gather', '[2, 3]', 'axis 2']],
  ['GatherElements rank', (g) => g.op('GatherElements', [f(g, 2, 3), i64(g, 0)]), ['GatherElements', '[2, 3]', '[1]']],
  ['GatherElements types', (g) => g.op('GatherElements', [f(g, 2), f(g, 2)]), ['GatherElements', 'float32[2]']],
  [
    'ScatterElements',
    (g) => g.op('ScatterElements', [f(g, 4), i64(g, 0, 1), f(g, 3)]),
    ['ScatterElements', '[2]', '[3]'],
  ],
  ['Scatter indices', (g) => g.op('ScatterElements', [f(g, 4), f(g, 2), f(g, 2)]), ['ScatterElements', 'float32[2]']],
  ['Scatter types', (g) => g.op('ScatterElements', [f(g, 4), i64(g, 0), i64(g, 0)]), ['ScatterElements', 'int64[1]']],
  [
    'ScatterND updates',
    (g) => g.op('ScatterND', [f(g, 4, 3), of(g, 'int64', 2, 1), f(g, 2, 2)]),
    ['ScatterND', '[2, 2]'],
  ],
  ['Split sizes', (g) => o.split(g, f(g, 6), [2, 3], 0), ['Split', '[6]', '5']],
  ['Split count', (g) => g.ops('Split', [f(g, 6), i64(g, 2, 4)], { axis: 0 }, { outputs: 3 }), ['Split', '[6]', '3']],
  ['Squeeze', (g) => o.squeeze(g, f(g, 2, 3), 0), ['Squeeze', '[2, 3]']],
  ['Squeeze of symbols', (g) => g.op('Squeeze', [f(g, 1, 'T')]), ['Squeeze', '[1, T]', 'axes']],
  ['Squeeze axes at run time', (g) => g.op('Squeeze', [f(g, 1, 3), of(g, 'int64', 1)]), ['Squeeze', '[1, 3]']],
  ['Unsqueeze axis', (g) => o.unsqueeze(g, f(g, 2), 3), ['Unsqueeze', '[2]', 'axis 3']],
  ['Unsqueeze twice', (g) => o.unsqueeze(g, f(g, 2), 0, 0), ['Unsqueeze', '[2]']],
  ['Expand', (g) => o.expand(g, f(g, 2, 3), [2, 4]), ['Expand', '[2, 3]']],
  ['Expand rank', (g) => o.expand(g, f(g, 2), of(g, 'int64', 'R')), ['Expand', '[2]', '[R]']],
  ['ConstantOfShape rank', (g) => o.full(g, 'float32', of(g, 'int64', 'R')), ['ConstantOfShape', '[R]']],
  ['Where condition', (g) => o.where(g, f(g, 2), f(g, 2), 0), ['Where', 'float32[2]', 'bool']],
  ['Where shapes', (g) => o.where(g, of(g, 'bool', 2), f(g, 3), 0), ['Where', 'bool[2]', 'float32[3]']],
  ['Where types', (g) => o.where(g, of(g, 'bool', 2), f(g, 2), i64(g, 0)), ['Where', 'float32[2]', 'int64[1]']],
  ['Cast', (g) => g.op('Cast', [f(g, 2)], { to: 'float8' }), ['Cast', '[2]', 'float8']],
  ['reduction axis', (g) => o.reduceSum(g, f(g, 2, 3), [2]), ['ReduceSum', '[2, 3]', 'axis 2']],
  ['reduction at run time', (g) => g.op('ReduceSum', [f(g, 2, 3), of(g, 'int64', 1)]), ['ReduceSum', '[2, 3]']],
  ['reduction of booleans', (g) => o.reduceSum(g, of(g, 'bool', 2), [0]), ['ReduceSum', 'bool[2]']],
  ['ArgMax axis', (g) => o.argMax(g, f(g, 2, 3), -3), ['ArgMax', '[2, 3]', 'axis -3']],
  ['Range types', (g) => g.op('Range', [of(g, 'int64'), f(g), of(g, 'int64')]), ['Range', 'int64[]', 'float32[]']],
  ['norm scale', (g) => o.rmsNorm(g, f(g, 2, 3), f(g, 2), 1e-5), ['SimplifiedLayerNormalization', '[2, 3]', '[2]']],
  [
    'norm types',
    (g) => o.rmsNorm(g, f(g, 2), of(g, 'float64', 2), 1e-5),
    ['SimplifiedLayerNormalization', 'float64[2]'],
  ],
  [
    'norm of a sum',
    (g) => o.addAndNorm(g, f(g, 2, 3), f(g, 2, 4), f(g, 3), 1e-5).norm,
    ['SkipSimplifiedLayerNormalization', '[2, 4]'],
  ],
  [
    'a cache for other heads',
    (g) => g.op('PagedAttention', paged(g, f(g, 'P', 256, 4, 16)), HEADS),
    ['PagedAttention', '[P, 256, 4, 16]', 'a cached key'],
  ],
  ['TopK axis', (g) => g.ops('TopK', [f(g, 2), i64(g, 1)], { axis: 1 }, { outputs: 2 }), ['TopK', '[2]', 'axis 1']],
  ['Trilu rank', (g) => g.op('Trilu', [f(g, 2)]), ['Trilu', '[2]']],
  [
    'If condition',
    (g) => g.op('If', [f(g)], { then_branch: branch(g, () => f(g)), else_branch: branch(g, () => f(g)) }),
    ['If', 'float32[]', 'bool'],
  ],
  [
    'If types',
    (g) =>
      g.op('If', [of(g, 'bool')], { then_branch: branch(g, () => f(g, 2)), else_branch: branch(g, () => i64(g, 1)) }),
    ['If', 'float32[2]', 'int64[1]'],
  ],
  [
    'If ranks',
    (g) => g.op('If', [of(g, 'bool')], { then_branch: branch(g, () => f(g, 2)), else_branch: branch(g, () => f(g)) }),
    ['If', 'float32[2]', 'float32[]'],
  ],
  ['If branch', (g) => g.op('If', [of(g, 'bool')], { then_branch: branch(g, () => f(g, 2)) }), ['If', 'else_branch']],
  [
    'Loop count',
    (g) => g.op('Loop', [f(g), undefined, f(g, 2)], { body: loopBody(g, 'float32', 'float32') }),
    ['Loop', 'float32[]', 'int64'],
  ],
  [
    'Loop condition',
    (g) => g.op('Loop', [undefined, f(g), f(g, 2)], { body: loopBody(g, 'float32', 'float32') }),
    ['Loop', 'float32[]', 'bool'],
  ],
  [
    'Loop carried type',
    (g) => g.op('Loop', [undefined, undefined, f(g, 2)], { body: loopBody(g, 'float32', 'int64') }),
    ['Loop', '[2]', 'element type'],
  ],
  [
    'Loop start type',
    (g) => g.op('Loop', [undefined, undefined, i64(g, 1, 2)], { body: loopBody(g, 'float32', 'float32') }),
    ['Loop', 'int64[2]', 'element type'],
  ],
  [
    'Loop start shape',
    (g) => g.op('Loop', [undefined, undefined, f(g, 3)], { body: loopBody(g, 'float32', 'float32') }),
    ['Loop', '[3]', '[2]'],
  ],
  [
    'Loop inputs',
    (g) => g.op('Loop', [undefined, undefined], { body: loopBody(g, 'float32', 'float32') }),
    ['Loop', '3'],
  ],
  ['constant size', (g) => g.constant('float32', [1, 2, 3], [2]), ['3', '[2]']],
];

describe('what does not fit is refused, with operator, shapes and the line of model code', () => {
  it.each(REFUSED)('%s', (name, build, words) => {
    const { message, at } = error(build);
    expect(message.startsWith(words[0] ?? '') || name === 'constant size').toBe(true);
    for (const word of words) expect(message).toContain(word);
    const start = LINES.findIndex((line) => line.includes(`'${name}'`)) + 1;
    const [file, line] = (at ?? '').split(':');
    expect(file).toBe(FILE);
    expect(Number(line)).toBeGreaterThanOrEqual(start);
    expect(Number(line)).toBeLessThan(start + 6);
    expect(message.endsWith(`(at ${at})`)).toBe(true);
  });

  it('at the exact line', () => {
    const expected = LINES.findIndex((line) => line.includes('the exact ' + 'line is this one')) + 1;
    const { at } = error((g) => {
      const a = f(g, 2, 3);
      o.matmul(g, a, a); // the exact line is this one
    });
    expect(at).toBe(`${FILE}:${expected}`);
  });

  it('also when the call comes from deep inside reverse mode', () => {
    const { at, message } = error((g) => {
      const x = f(g, 2, 3);
      const { result, tape } = g.record(() => o.matmul(g, x, f(g, 3, 4)));
      const wrong = f(g, 7, 4);
      const deep = (n: number): unknown =>
        n > 0 ? deep(n - 1) : reverseMode(g, tape, [{ value: result, gradient: wrong }], [x]) && o.add(g, x, f(g, 5));
      deep(5);
    });
    expect(message).toContain('[7, 4]');
    expect(at).toMatch(new RegExp(`^${FILE.replaceAll('.', '\\.')}:\\d+$`));
  });
});

describe('types of outputs', () => {
  const shapeOf = (build: (g: Graph) => Value): string => {
    const { dtype, shape } = build(new Graph('test'));
    return `${dtype}[${shape.join(', ')}]`;
  };

  it.each<readonly [string, (g: Graph) => Value, string]>([
    ['symbols survive arithmetic', (g) => o.add(g, f(g, 'T', 1), f(g, 3)), 'float32[T, 3]'],
    ['concatenation adds symbols', (g) => o.concat(g, [f(g, 'P', 2), f(g, 'C', 2)], 0), 'float32[C+P, 2]'],
    [
      'a hand-written sum is the same',
      (g) => o.add(g, f(g, 'P+C'), o.concat(g, [f(g, 'P'), f(g, 'C')], 0)),
      'float32[P+C]',
    ],
    [
      'rows and columns merged',
      (g) => o.add(g, o.reshape(g, f(g, 'B', 'T', 64), [-1]), o.reshape(g, f(g, 64, 'T', 'B'), [-1])),
      'float32[64*B*T]',
    ],
    [
      'a merged axis split again',
      (g) => o.reshape(g, o.reshape(g, f(g, 'B', 'T', 8), [-1, 8]), o.shapeVector(g, -1, o.dimOf(g, f(g, 'T'), 0), 8)),
      'float32[B, T, 8]',
    ],
    ['a slice from the end', (g) => o.slice(g, f(g, 'T', 3), -2, 2 ** 40, 0), 'float32[2, 3]'],
    ['a slice before the front', (g) => o.slice(g, f(g, 3), -10, 2, 0), 'float32[2]'],
    ['a slice past the end', (g) => o.slice(g, f(g, 3), 5, 9, 0), 'float32[0]'],
    ['an empty slice', (g) => o.slice(g, f(g, 3), 2, 1, 0), 'float32[0]'],
    ['a slice up to a size', (g) => o.slice(g, f(g, 'T+3'), 3, o.dimOf(g, f(g, 'T+3'), 0), 0), 'float32[T]'],
    ['no axes: all of them', (g) => g.op('ReduceSum', [f(g, 2, 3), i64(g)], { keepdims: 0 }), 'float32[]'],
    [
      'no axes as no operation',
      (g) => g.op('ReduceSum', [f(g, 2, 3), i64(g)], { noop_with_empty_axes: 1 }),
      'float32[2, 3]',
    ],
    [
      'integer division truncates',
      (g) => o.full(g, 'float32', o.sub(g, i64(g, 0), o.div(g, i64(g, -7), 2))),
      'float32[3]',
    ],
    ['no elements', (g) => o.reshapeExact(g, f(g, 0, 'T', 8), [8, 0]), 'float32[8, 0]'],
    ['a range', (g) => o.arange(g, o.dimOf(g, f(g, 'T'), 0)), 'int64[T]'],
    [
      'an empty range',
      (g) =>
        g.op(
          'Range',
          [5, 2, 1].map((n) => g.constant('int64', n)),
        ),
      'int64[0]',
    ],
    ['attention over pages', (g) => g.op('PagedAttention', paged(g, f(g, 'P', 256, 2, 16)), HEADS), 'float32[T, 64]'],
    [
      'the inverse root of a norm is float32',
      (g) =>
        g.ops(
          'SimplifiedLayerNormalization',
          [of(g, 'float64', 2, 4), of(g, 'float64', 4)],
          { axis: -1 },
          { outputs: 2 },
        )[1] ?? f(g),
      'float32[2, 1]',
    ],
    [
      'an unknown condition makes scans unknown',
      (g) => scan(g, g.constant('int64', 3), of(g, 'bool'), false),
      'float32[?]',
    ],
    ['a condition computed in the body too', (g) => scan(g, g.constant('int64', 3), undefined, true), 'float32[?]'],
    ['a loop that always runs to its count', (g) => scan(g, g.constant('int64', 3), undefined, false), 'float32[3]'],
    ['started with true', (g) => scan(g, g.constant('int64', 3), g.constant('bool', 1), false), 'float32[3]'],
  ])('%s', (_, build, expected) => {
    expect(shapeOf(build).replaceAll(/\?\d+/g, '?')).toBe(expected);
  });
});

/** Scalars of a loop, stacked; `stops` computes the condition in the body. */
function scan(g: Graph, count: Value, condition: Value | undefined, stops: boolean): Value {
  const body = new Graph('scan', g);
  const i = body.anonymousInput('i', 'int64', []);
  const going = body.anonymousInput('going', 'bool', []);
  body.output(stops ? o.less(body, i, 1) : going);
  body.output(o.cast(body, i, 'float32'));
  return g.op('Loop', [count, condition], { body });
}
