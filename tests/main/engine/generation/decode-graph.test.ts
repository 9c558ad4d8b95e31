import path from 'node:path';
import { expect, it } from 'vitest';
import { loadModelConfig } from '../../../../src/main/engine/model/config.ts';
import { commonFolder } from '../../../../src/main/engine/model/parameter-values.ts';
import { loraLayout } from '../../../../src/main/engine/model/parameters.ts';
import { openWeights } from '../../../../src/main/engine/model/weights.ts';
import { Graph } from '../../../../src/main/engine/onnx/graph.ts';
import { residentGraph } from '../../../../src/main/engine/resident/resident-graph.ts';
import { GOLDEN_ROOT } from '../training/golden-longpo.ts';

function find(graph: Graph, label: string): Graph | undefined {
  if (graph.label === label) return graph;
  for (const { attributes } of graph.nodes) {
    for (const value of Object.values(attributes)) {
      const found = value instanceof Graph ? find(value, label) : undefined;
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

async function tokenLoop(): Promise<Graph> {
  const model = path.join(GOLDEN_ROOT, 'models/llama');
  const config = await loadModelConfig(model);
  const weights = await openWeights(model, config);
  const layout = loraLayout(config, { rank: 4, alpha: 8, rslora: false, targets: ['q_proj', 'v_proj'] });
  const root = residentGraph({
    config,
    layout,
    source: { weights, folder: commonFolder([...weights.tensors.values()].map((tensor) => tensor.path)) },
    checkpointing: 'none',
    dtype: 'float32',
    attention: 'flash',
    programs: ['generate'],
  });
  const loop = find(root, 'decode');
  if (loop === undefined) throw new Error('the graph has a loop over new tokens');
  return loop;
}

// On CUDA the numbers of an outer scope lie on the card: read for a shape, each is copied back with a wait, a layer and token.
it('the loop over new tokens takes all sizes from the shapes of tensors', async () => {
  const loop = await tokenLoop();
  const outer = loop.nodes.flatMap(({ opType, inputs }) =>
    inputs.flatMap((value) => {
      const number =
        value !== undefined && value.dtype === 'int64' && value.graph !== loop && value.content === undefined;
      return number ? [opType] : [];
    }),
  );
  expect(outer).toEqual(['Add']); // the positions, which stay on the card
});

it('a layer of a new token takes few operators', async () => {
  const loop = await tokenLoop();
  const layers = new Map<string, number>();
  for (const { name } of loop.nodes) {
    const layer = /^layers\.\d+/.exec(name)?.[0] ?? 'outside';
    layers.set(layer, (layers.get(layer) ?? 0) + 1);
  }
  expect(layers.get('layers.1')).toBeLessThanOrEqual(60);
});
