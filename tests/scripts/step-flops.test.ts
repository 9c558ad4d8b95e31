import path from 'node:path';
import { expect, it } from 'vitest';
import { stepFlops } from '../../bench/gpu/step-flops.ts';
import { loadModelConfig } from '../../src/main/engine/model/config.ts';
import { GOLDEN_ROOT } from '../main/engine/training/golden-longpo.ts';

const config = await loadModelConfig(path.join(GOLDEN_ROOT, 'models/llama'));

it('the packed pair costs two sequences without a document, and nearly one with a long one', () => {
  const empty = { document: 0, answer: 10, shortContext: 0 };
  expect(stepFlops(config, empty, 'packed')).toEqual(stepFlops(config, empty, 'two'));
  const long = { document: 100_000, answer: 10, shortContext: 100 };
  const ratio = stepFlops(config, long, 'two').gradients / stepFlops(config, long, 'packed').gradients;
  expect(ratio).toBeGreaterThan(1.9);
  expect(ratio).toBeLessThan(2);
});

it('counts a forward pass of the reference as written out by hand', () => {
  const { hiddenSize: H, intermediateSize: F, numHeads, numKvHeads, headDim, numLayers, vocabSize } = config;
  const rows = 5 + 2 * 3;
  // Each of the 5 context tokens sees those up to itself; the answers' three tokens also see the context.
  const pairs = 15 + 2 * (6 + 7 + 8);
  const linear = 2 * H * numHeads * headDim + 2 * H * numKvHeads * headDim + 3 * H * F;
  const expected = numLayers * (2 * linear * rows + 4 * numHeads * headDim * pairs) + 2 * H * vocabSize * 6;
  expect(stepFlops(config, { document: 5, answer: 3, shortContext: 5 }, 'packed').reference).toBe(expected);
});
