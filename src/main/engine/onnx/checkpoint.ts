import { reverseMode } from './autodiff.ts';
import type { Graph, Value } from './graph.ts';
import { after } from './ops.ts';

/**
 * Gradient checkpointing in the graph (Chen et al. 2016, arXiv 1604.06174): forward runs `build` and keeps only its
 * inputs; on the way back `build` is appended again, on inputs that wait for the incoming gradient, and differentiated.
 *
 * @param carried inputs that exist only once the forward pass reached them; their recomputed copies are tied to the gradient
 * @param shared inputs that live for the whole run anyway (weights, rotary tables)
 */
export function checkpoint(
  g: Graph,
  build: (g: Graph, carried: readonly Value[], shared: readonly Value[]) => Value,
  carried: readonly Value[],
  shared: readonly Value[],
): Value {
  const [output] = g.composite(
    [...carried, ...shared],
    (graph) => [build(graph, carried, shared)],
    (graph, { gradients }) => {
      const [gradient] = gradients;
      if (gradient === undefined) return [];
      const late = carried.map((value) => after(graph, value, gradient));
      const { result, tape } = graph.record(() => build(graph, late, shared));
      const found = reverseMode(graph, tape, [{ value: result, gradient }], [...late, ...shared]);
      // Nobody downstream asks for the weights' gradients, so the runtime would compute them last and keep every
      // layer's recomputed activations until then: make the chain wait for them.
      const leaves = found.slice(late.length).filter((value) => value !== undefined);
      return found.map((value, i) => {
        const onChain = i < late.length && value !== undefined && leaves.length > 0;
        return onChain ? after(graph, value, ...leaves) : value;
      });
    },
  );
  if (output === undefined) throw new Error('a checkpoint has one output');
  return output;
}
