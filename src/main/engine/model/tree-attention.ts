import { causalAttention } from '../onnx/attention.ts';
import type { Graph, Value } from '../onnx/graph.ts';
import * as o from '../onnx/ops.ts';
import type { ModelConfig } from './config.ts';
import type { Attend } from './decoder.ts';

/** The shape of a tree row inside a graph: int64 vectors of length 1. */
export interface TreeValues {
  readonly prefix: Value;
  readonly first: Value;
  readonly second: Value;
  /** Query block sizes for the trunk (prefix and first branch) and for the second branch. */
  readonly trunkBlock: Value;
  readonly branchBlock: Value;
}

/**
 * Attention over `[prefix | first | second]` as two causal attentions, without a mask by branch: prefix and first
 * branch over themselves, and the second branch over prefix and itself. Exactly the packed pair's rule "token i sees
 * j <= i of the prefix or of its own branch", and it costs nothing for the pairs that do not see each other.
 */
export function treeAttention(config: ModelConfig, tree: TreeValues): Attend {
  const heads = {
    kvHeads: config.numKvHeads,
    groups: config.numHeads / config.numKvHeads,
    headDim: config.headDim,
  };
  return (g: Graph, q, k, v) => {
    const sizes = o.shapeVector(g, tree.prefix, tree.first, tree.second);
    const trunk = o.shapeVector(g, o.add(g, tree.prefix, tree.first), tree.second);
    const [qTrunk, qBranch] = three(o.split(g, q, trunk, 0));
    const [kPrefix, kFirst, kSecond] = three(o.split(g, k, sizes, 0));
    const [vPrefix, vFirst, vSecond] = three(o.split(g, v, sizes, 0));
    const join = (a: Value, b: Value): Value => o.concat(g, [a, b], 0);
    const main = causalAttention(g, {
      ...heads,
      q: qTrunk,
      k: join(kPrefix, kFirst),
      v: join(vPrefix, vFirst),
      block: tree.trunkBlock,
    });
    const side = causalAttention(g, {
      ...heads,
      q: qBranch,
      k: join(kPrefix, kSecond),
      v: join(vPrefix, vSecond),
      block: tree.branchBlock,
    });
    return join(main, side);
  };
}

function three(parts: readonly Value[]): [Value, Value, Value] {
  const [a, b, c = a] = parts;
  if (a === undefined || b === undefined || c === undefined) throw new Error('two or three parts');
  return [a, b, c];
}
