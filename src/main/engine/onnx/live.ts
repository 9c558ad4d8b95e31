import type { Node, Value } from './graph.ts';
import { Graph } from './graph.ts';

/** What a model's outputs need. */
export interface Live {
  readonly nodes: ReadonlySet<Node>;
  readonly values: ReadonlySet<Value>;
}

/**
 * The nodes, in `graph` and its subgraphs, that the outputs depend on. The rest (a recomputation's last product, a
 * gradient that nobody asked for) would run all the same, and keep its memory to the end of the run.
 */
export function liveParts(graph: Graph): Live {
  const nodes = new Set<Node>();
  const values = new Set<Value>();
  const visit = (current: Graph): void => {
    for (const { value } of current.outputs) values.add(value);
    for (const node of current.nodes.toReversed()) {
      if (!node.outputs.some((output) => values.has(output))) continue;
      nodes.add(node);
      for (const value of node.inputs) if (value !== undefined) values.add(value);
      for (const attribute of Object.values(node.attributes)) if (attribute instanceof Graph) visit(attribute);
    }
  };
  visit(graph);
  return { nodes, values };
}
