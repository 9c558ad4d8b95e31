import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ModelRunner } from '../../../../src/main/engine/model/runner.ts';
import { loadResidentModel } from '../../../../src/main/engine/resident/resident-model.ts';
import type { ResidentOptions } from '../../../../src/main/engine/resident/resident-options.ts';
import { buildTargets, objectiveInput } from '../../../../src/main/engine/training/objectives.ts';
import { GOLDEN_ROOT } from '../training/golden-longpo.ts';
import { FLASH, LONGPO, LORA, trainedState, tree } from '../../../../bench/gpu/answer-tree.ts';
import { relativeDifference } from './separate-pair.ts';

// The graph that runs on CUDA in bfloat16, here in float32 on the CPU: only the element type differs on the card.

const TREES = [tree(50, 9, 12), tree(20, 5, 30), tree(90, 3, 2), tree(1, 4, 4)];

function load(name: string, options: Partial<ResidentOptions>): Promise<ModelRunner> {
  const dir = path.join(GOLDEN_ROOT, 'models', name);
  return loadResidentModel(dir, { device: 'cpu', threads: 1, trainable: LORA, ...options });
}

describe.each(['llama', 'mistral', 'qwen2', 'qwen3'])('%s with flash attention', (name) => {
  it.each([
    ['lora', 'layer'],
    ['lora', 'none'],
    ['full', 'layer'],
  ] as const)(
    '%s, checkpointing %s: loss and gradient equal those of attention by blocks',
    async (kind, checkpointing) => {
      const options = { trainable: kind === 'full' ? ({ kind } as const) : LORA, checkpointing };
      const programs = ['score', 'gradients'] as const;
      const [blocks, flash] = [
        await load(name, { ...options, programs }),
        await load(name, { ...options, programs, ...FLASH }),
      ];
      try {
        const state = await trainedState(blocks);
        for (const example of TREES) {
          const targets = buildTargets(example, LONGPO);
          const reference = { chosen: [Float32Array.of(-20)], rejected: [Float32Array.of(-25)] };
          const input = objectiveInput(targets, LONGPO, reference);
          const expected = await blocks.gradients(example.tokens, targets.targets, input, state);
          const found = await flash.gradients(example.tokens, targets.targets, input, state);
          expect(Math.abs(found.loss / expected.loss - 1)).toBeLessThan(1e-5);
          expect(relativeDifference(found.logps, expected.logps)).toBeLessThan(1e-5);
          expect(relativeDifference(found.gradient, expected.gradient)).toBeLessThan(2e-5);
          const scored = await flash.score(example.tokens, targets.targets, state);
          expect(relativeDifference(scored, expected.logps)).toBeLessThan(1e-5);
        }
      } finally {
        await Promise.all([blocks.release(), flash.release()]);
      }
    },
  );
});

it('scores, reads hidden states and generates as with attention by blocks', async () => {
  const [blocks, flash] = [await load('llama', {}), await load('llama', FLASH)];
  try {
    const state = await trainedState(blocks);
    const { tokens } = tree(37, 0, 0);
    const rows = Int32Array.of(0, 17, 36);
    expect(
      relativeDifference(await flash.hiddenStates(tokens, state), await blocks.hiddenStates(tokens, state)),
    ).toBeLessThan(1e-5);
    expect(
      relativeDifference(
        await flash.logProbabilities(tokens, rows, state),
        await blocks.logProbabilities(tokens, rows, state),
      ),
    ).toBeLessThan(1e-5);
    const request = { maxNewTokens: 8, temperature: 0, topK: 0, topP: 1, uniforms: new Float32Array(0), stopIds: [] };
    for (const prefix of [tokens.ids, new Int32Array(0)]) {
      const prompts = [Int32Array.of(5, 6, 7), Int32Array.of(9)];
      const input = { ...request, prefix, prompts };
      expect(await flash.generate(input, state)).toEqual(await blocks.generate(input, state));
    }
  } finally {
    await Promise.all([blocks.release(), flash.release()]);
  }
});
