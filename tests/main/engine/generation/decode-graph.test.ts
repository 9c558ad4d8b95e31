import path from 'node:path';
import { expect, it } from 'vitest';
import { loadModelConfig } from '../../../../src/main/engine/model/config.ts';
import { convertWeights } from '../../../../src/main/engine/model/converted-weights.ts';
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

async function tokenLoop(paged = false): Promise<Graph> {
  const model = path.join(GOLDEN_ROOT, 'models/llama');
  const config = await loadModelConfig(model);
  const weights = await openWeights(model, config);
  const layout = loraLayout(config, { rank: 4, alpha: 8, rslora: false, targets: ['q_proj', 'v_proj'] });
  const folder = commonFolder([...weights.tensors.values()].map((tensor) => tensor.path));
  const dtype = paged ? 'bfloat16' : 'float32';
  const converted = await convertWeights(weights, [...weights.tensors.keys()], dtype);
  const root = residentGraph({
    config,
    layout,
    source: { weights, folder, converted },
    checkpointing: 'none',
    dtype,
    attention: 'flash',
    paged,
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

function operators(loop: Graph, layer: string): string[] {
  return loop.nodes.filter(({ name }) => name.startsWith(`${layer}/`)).map(({ opType }) => opType);
}

it('a layer of a new token takes few operators', async () => {
  expect(operators(await tokenLoop(), 'layers.1').length).toBeLessThanOrEqual(58);
});

// What CUDA runs in half precision; the CPU has no PagedAttention, so the card alone can compute it (bench/gpu/golden.ts).
it('with pages, nothing of a layer is copied or carried from token to token', async () => {
  const loop = await tokenLoop(true);
  const attention = ['Gemm', 'Gemm', 'Gemm', 'Gemm', 'Gemm', 'Gemm', 'Gemm', 'PagedAttention', 'Gemm'];
  const mlp = ['Gemm', 'QuickGelu', 'Gemm', 'Mul', 'Gemm'];
  const norm = 'SkipSimplifiedLayerNormalization';
  expect(operators(loop, 'layers.1')).toEqual([...attention, norm, ...mlp, norm]);
  expect(loop.inputs.map(({ dtype, rank }) => `${dtype} ${rank}`)).toEqual([
    'int64 0',
    'bool 0',
    'int32 1',
    'bool 1',
    'int32 1',
    'int64 1',
  ]);
  const calls = loop.nodes.filter(({ opType }) => opType === 'PagedAttention');
  const caches = calls.flatMap(({ inputs }) => inputs.slice(3, 5));
  // Each is written in place, so nobody else may read it, and it may leave the loop's body by no output.
  expect(new Set(caches).size).toBe(2 * calls.length);
  for (const cache of caches) {
    expect(loop.nodes.filter(({ inputs }) => inputs.includes(cache))).toHaveLength(1);
  }
  expect(calls.map(({ outputs }) => outputs.length)).toEqual(calls.map(() => 1));
});
