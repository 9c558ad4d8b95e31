import type { KernelRun } from '../../../../bench/cpu/trace.ts';
import type { Dim } from '../../../../src/main/engine/onnx/dim.ts';
import { Graph, type Value } from '../../../../src/main/engine/onnx/graph.ts';

/** A value of a graph or of any of its subgraphs, and the labels of the graphs from the root down. */
interface FoundValue {
  readonly value: Value;
  readonly place: string;
}

/** Every value that a graph takes in or that a node makes, subgraphs of subgraphs included. */
export function* allValues(graph: Graph, place = graph.label): Generator<FoundValue> {
  for (const value of graph.inputs) yield { value, place };
  for (const node of graph.nodes) {
    for (const value of node.outputs) yield { value, place };
    for (const attribute of Object.values(node.attributes)) {
      if (attribute instanceof Graph) yield* allValues(attribute, `${place}/${attribute.label}`);
    }
  }
}

/** Symbols of each term of a dimension; a quotient in brackets is one symbol, signs and numbers are dropped. */
function terms(dim: Dim): string[][] {
  const found: string[][] = [];
  let term: string[] = [];
  let symbol = '';
  let depth = 0;
  for (const char of `${dim}+`) {
    depth += Number(char === '(') - Number(char === ')');
    if (depth > 0 || !'+-*'.includes(char)) {
      symbol += char;
      continue;
    }
    if (symbol !== '' && !/^\d+$/.test(symbol)) term.push(symbol);
    symbol = '';
    if (char === '*') continue;
    found.push(term);
    term = [];
  }
  return found;
}

/**
 * With what power a dimension is known to grow when the sequence does: 0 for 64, 1 for `T`, `2*M+3` or `((T+7)/8)`, 2
 * for `T*T`. Symbols in `bounded` do not grow; of `?3` nothing is known, it counts as 0 here.
 */
export function growth(dim: Dim, bounded: ReadonlySet<string>): number {
  const grows = (symbol: string): boolean => !bounded.has(symbol) && !symbol.includes('?');
  return Math.max(0, ...terms(dim).map((term) => term.filter(grows).length));
}

/**
 * What the resident graph's programs may not contain, from inferred shapes:
 * - a value whose number of elements grows with a power above 1 (`[T, T]`, `[M, T]`, `[T*T]`, `[B, R, T]`);
 * - a value with a growing dimension beside one of `width` (the vocabulary): `[M, vocab]`.
 */
export function forbiddenValues(root: Graph, bounded: ReadonlySet<string>, width: number): string[] {
  return [...allValues(root)]
    .filter(({ value: { shape } }) => {
      const power = shape.reduce((sum: number, dim) => sum + growth(dim, bounded), 0);
      return power > 1 || (power === 1 && shape.includes(width));
    })
    .map(({ value, place }) => `${place}: ${value.name} [${value.shape.join(', ')}]`);
}

/** Number of elements of the largest value that each node made, and whether it is `width` wide. */
function largest(
  trace: readonly KernelRun[],
  width: number,
): Map<string, { elements: number; wide: boolean; shape: string }> {
  const found = new Map<string, { elements: number; wide: boolean; shape: string }>();
  for (const { node, outputs } of trace) {
    for (const shape of outputs) {
      const elements = shape.reduce((a, b) => a * b, 1);
      if (elements <= (found.get(node)?.elements ?? -1)) continue;
      found.set(node, { elements, wide: shape.includes(width), shape: `[${shape.join(', ')}]` });
    }
  }
  return found;
}

/**
 * The same from what really ran: two runs of one graph, the second on a sequence twice as long. A value that is linear
 * in the length at most doubles (a sixteenth more is left for ragged blocks); one that is `width` wide must not grow.
 */
export function grownValues(short: readonly KernelRun[], long: readonly KernelRun[], width: number): string[] {
  const before = largest(short, width);
  const found: string[] = [];
  for (const [node, { elements, wide, shape }] of largest(long, width)) {
    const old = before.get(node);
    if (old === undefined) throw new Error(`${node} ran once only`);
    const limit = wide ? old.elements : 2.125 * old.elements;
    if (elements > limit) found.push(`${node}: ${old.shape} to ${shape}`);
  }
  return found;
}
