import { Graph } from './graph.ts';
import type { Node, TapeEntry, Value } from './graph.ts';
import { formatShape } from './dim.ts';
import { GraphError } from './graph-error.ts';
import { GRADIENT_RULES } from './gradient-rules.ts';
import { add, differentiable } from './ops.ts';

/** A value and the gradient of the objective with respect to it. */
export interface Seed {
  readonly value: Value;
  readonly gradient: Value;
}

/** The gradients that flowed so far, by value; contributions are added as they come. */
class Gradients {
  private readonly found = new Map<Value, Value>();
  private readonly graph: Graph;

  constructor(graph: Graph) {
    this.graph = graph;
  }

  get(value: Value | undefined): Value | undefined {
    return value === undefined ? undefined : this.found.get(value);
  }

  add(value: Value, gradient: Value): void {
    const fits =
      gradient.dtype === value.dtype &&
      gradient.rank === value.rank &&
      gradient.shape.every(
        (dim, i) => typeof dim === 'string' || typeof value.shape[i] === 'string' || dim === value.shape[i],
      );
    if (!fits) {
      const show = ({ dtype, shape }: Value): string => `${dtype}${formatShape(shape)}`;
      throw new GraphError(`the gradient ${show(gradient)} does not fit ${value.name}, ${show(value)}`);
    }
    const before = this.found.get(value);
    this.found.set(value, before === undefined ? gradient : add(this.graph, before, gradient));
  }
}

/** What the subgraphs of a node (Loop body, If branches) read; it flows into the node's outputs like its inputs. */
function readInside(node: Node | undefined): readonly (Value | undefined)[] {
  const graphs = Object.values(node?.attributes ?? {}).filter((value) => value instanceof Graph);
  return graphs.flatMap((graph) => graph.nodes.flatMap((inner) => [...inner.inputs, ...readInside(inner)]));
}

/** True when one of the values depends on what is differentiated. */
function someActive(values: readonly (Value | undefined)[], active: ReadonlySet<Value>): boolean {
  return values.some((value) => value !== undefined && active.has(value));
}

/** The values on the tape that depend on `wrt`. */
function dependents(tape: readonly TapeEntry[], wrt: readonly Value[]): Set<Value> {
  const active = new Set(wrt);
  for (const entry of tape) {
    if (!someActive(entry.inputs, active) && !someActive(readInside(entry.node), active)) continue;
    for (const output of entry.outputs) if (differentiable(output)) active.add(output);
  }
  return active;
}

/**
 * Reverse mode: appends to `graph` the operators that compute d objective / d wrt from the seeds' gradients, walking
 * the tape backwards with one rule an operator (`gradient-rules.ts`); composites bring their own.
 *
 * @returns one gradient for each entry of `wrt`, in order; undefined where the objective does not depend on it.
 * @throws GraphError when an operator on the way has no rule.
 */
export function reverseMode(
  graph: Graph,
  tape: readonly TapeEntry[],
  seeds: readonly Seed[],
  wrt: readonly Value[],
): readonly (Value | undefined)[] {
  const active = dependents(tape, wrt);
  const gradients = new Gradients(graph);
  for (const seed of seeds) if (active.has(seed.value)) gradients.add(seed.value, seed.gradient);
  for (const entry of tape.toReversed()) {
    const incoming = entry.outputs.map((output) => gradients.get(output));
    if (incoming.every((gradient) => gradient === undefined)) continue;
    const wants = entry.inputs.map((value) => value !== undefined && active.has(value));
    if (!wants.includes(true) && !someActive(readInside(entry.node), active)) continue;
    const context = { inputs: entry.inputs, outputs: entry.outputs, gradients: incoming, wants };
    const opType = entry.node?.opType ?? 'composite';
    const rule = entry.backward ?? GRADIENT_RULES[opType];
    if (rule === undefined) throw new GraphError(`${opType}: no gradient rule for this operator`);
    const produced = graph.scope('grad', () => rule(graph, { ...context, ...(entry.node && { node: entry.node }) }));
    entry.inputs.forEach((value, i) => {
      const gradient = produced[i];
      if (value !== undefined && gradient !== undefined && wants[i] === true) gradients.add(value, gradient);
    });
  }
  return wrt.map((value) => gradients.get(value));
}
