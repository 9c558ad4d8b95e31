import { runInThisContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dim } from '../../../../src/main/engine/onnx/dim.ts';
import {
  addDims,
  divideDims,
  formatShape,
  isUnknown,
  mayBeEqual,
  merge,
  multiplyDims,
  productOf,
  unknownDim,
} from '../../../../src/main/engine/onnx/dim.ts';

const SYMBOLS = ['B', 'P', 'T', 'past_length'] as const;
type Point = Readonly<Record<string, number>>;

/** Evaluates the text of a dimension without any of dim.ts: JavaScript's own arithmetic is the reference. */
function evaluate(dim: Dim, point: Point): number {
  if (typeof dim === 'number') return dim;
  const body = dim.replaceAll(/[A-Za-z]\w*/g, (symbol) => `(${point[symbol]})`).replaceAll('--', '- -');
  return Number(runInThisContext(`${body}`));
}

const point = fc.record(Object.fromEntries(SYMBOLS.map((symbol) => [symbol, fc.integer({ min: 1, max: 20 })])));

/** A random expression as the dims algebra builds it, with the function it stands for. */
interface Expression {
  readonly dim: Dim;
  readonly value: (at: Point) => number;
}

const { expression } = fc.letrec<{ expression: Expression; leaf: Expression }>((tie) => ({
  leaf: fc.oneof(
    fc.integer({ min: -9, max: 9 }).map((n): Expression => ({ dim: n, value: () => n })),
    fc.constantFrom(...SYMBOLS).map((symbol): Expression => ({ dim: symbol, value: (at) => at[symbol] ?? NaN })),
  ),
  expression: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'expression' },
    tie('leaf'),
    fc.tuple(tie('expression'), tie('expression'), fc.constantFrom(1, -1, 3)).map(([a, b, factor]): Expression => ({
      dim: addDims(a.dim, b.dim, factor),
      value: (at) => a.value(at) + factor * b.value(at),
    })),
    fc
      .tuple(tie('expression'), tie('expression'))
      .map(([a, b]): Expression => ({ dim: multiplyDims(a.dim, b.dim), value: (at) => a.value(at) * b.value(at) })),
  ),
}));

describe('dimensions', () => {
  it('stand for the arithmetic that made them', () => {
    fc.assert(
      fc.property(expression, point, ({ dim, value }, at) => {
        expect(evaluate(dim, at)).toBe(value(at) + 0);
      }),
    );
  });

  it('have one canonical form: equal polynomials are the same text', () => {
    fc.assert(
      fc.property(expression, expression, expression, ({ dim: a }, { dim: b }, { dim: c }) => {
        expect(addDims(a, b)).toBe(addDims(b, a));
        expect(addDims(addDims(a, b), c)).toBe(addDims(a, addDims(b, c)));
        expect(multiplyDims(a, b)).toBe(multiplyDims(b, a));
        expect(multiplyDims(multiplyDims(a, b), c)).toBe(multiplyDims(a, multiplyDims(b, c)));
        expect(multiplyDims(a, addDims(b, c))).toBe(addDims(multiplyDims(a, b), multiplyDims(a, c)));
        expect(addDims(addDims(a, b), b, -1)).toBe(a);
        expect(addDims(a, a, -1)).toBe(0);
      }),
    );
  });

  it('written by hand mean what they say, in any order of terms', () => {
    expect(addDims('P+C', 0)).toBe('C+P');
    expect(addDims('C+P', 'C', -1)).toBe('P');
    expect(addDims('never_seen_before+3', 'never_seen_before', -1)).toBe(3);
    expect(addDims('2*T-4', 4)).toBe('2*T');
    expect(multiplyDims('T*B', 1)).toBe('B*T');
    expect(mayBeEqual('P+C', 'C+P')).toBe(true);
  });

  it('divide exactly by what was multiplied in', () => {
    fc.assert(
      fc.property(expression, fc.constantFrom<Dim>(1, 2, 7, 'T', 'B', '3*T', 'B*T'), ({ dim }, factor) => {
        expect(divideDims(multiplyDims(dim, factor), factor)).toBe(dim);
      }),
    );
  });

  it('round a division of numbers down and keep an inexact one as a symbol of its own', () => {
    expect(divideDims(7, 2)).toBe(3);
    expect(divideDims('2*T+4', 2)).toBe('T+2');
    expect(divideDims('T+3', 2)).toBe('((T+3)/2)');
    const half = divideDims('T', 2);
    expect(half).not.toBe('T');
    expect(divideDims('T', 2)).toBe(half);
    expect(addDims(multiplyDims(half, 2), 'T', -1)).not.toBe(0);
    expect(isUnknown(divideDims(3, 0))).toBe(true);
  });

  it('unknown may be equal to anything; a difference that is proved is a difference', () => {
    const some = unknownDim();
    expect(mayBeEqual(some, 5)).toBe(true);
    expect(mayBeEqual('T', addDims(some, 1))).toBe(true);
    expect(mayBeEqual(some, unknownDim())).toBe(true);
    expect(mayBeEqual('T', 'T+1')).toBe(false);
    expect(mayBeEqual(4, 5)).toBe(false);
    expect(merge(some, 'T')).toBe('T');
    expect(merge('T', some)).toBe('T');
    expect(isUnknown(multiplyDims(some, 'T'))).toBe(true);
    expect(addDims(some, some, -1)).toBe(0);
  });

  it('multiply to the number of elements', () => {
    expect(productOf([])).toBe(1);
    expect(productOf([2, 'T', 3])).toBe('6*T');
    expect(productOf(['T', 'B', 64])).toBe(productOf([multiplyDims('B', 'T'), 64]));
    expect(formatShape([2, 'T', addDims('T', 1)])).toBe('[2, T, T+1]');
  });
});
