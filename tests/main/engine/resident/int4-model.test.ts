import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadModelConfig } from '../../../../src/main/engine/model/config.ts';
import { dequantizeInt4, quantizeInt4 } from '../../../../src/main/engine/model/int4.ts';
import type { ModelRunner } from '../../../../src/main/engine/model/runner.ts';
import { writeSafetensors } from '../../../../src/main/engine/model/safetensors.ts';
import { openWeights, readWeight } from '../../../../src/main/engine/model/weights.ts';
import { loadResidentModel } from '../../../../src/main/engine/resident/resident-model.ts';
import type { ResidentOptions } from '../../../../src/main/engine/resident/resident-options.ts';
import {
  buildTargets,
  objectiveInput,
  type ObjectiveTargets,
} from '../../../../src/main/engine/training/objectives.ts';
import { expectUserError, goldenModel, temporaryFolder } from '../model/model-folder.ts';
import { FLASH, LONGPO, LORA, trainedState, tree } from '../../../../bench/gpu/answer-tree.ts';
import { relativeDifference } from './separate-pair.ts';

/** A model whose linear weights ARE their 4-bit values, in float32. */
async function roundedCopy(source: string): Promise<string> {
  const dir = temporaryFolder();
  cpSync(source, dir, { recursive: true });
  const config = await loadModelConfig(source);
  const weights = await openWeights(source, config);
  const tensors = [];
  for (const [name, { shape }] of weights.tensors) {
    const values = await readWeight(weights, name);
    const data = name.endsWith('_proj.weight') ? dequantizeInt4(quantizeInt4(values)) : values;
    tensors.push({ name, dtype: 'F32' as const, shape, data });
  }
  await writeSafetensors(join(dir, 'model.safetensors'), tensors);
  return dir;
}

function load(dir: string, options: Partial<ResidentOptions>): Promise<ModelRunner> {
  return loadResidentModel(dir, { device: 'cpu', threads: 1, trainable: LORA, ...options });
}

function inputOf(targets: ObjectiveTargets) {
  return objectiveInput(targets, LONGPO, { chosen: [Float32Array.of(-20)], rejected: [Float32Array.of(-25)] });
}

describe.each(['llama', 'mistral', 'qwen2', 'qwen3'])('%s in 4 bits', (name) => {
  it.each([
    ['blocks', 'none', {}],
    ['blocks', 'layer', {}],
    ['flash', 'layer', FLASH],
  ] as const)('attention by %s, checkpointing %s: equals the model of the rounded weights', async (_, kind, own) => {
    const programs = ['score', 'gradients'] as const;
    const options = { checkpointing: kind, programs, ...own };
    const exact = await load(await roundedCopy(goldenModel(name)), options);
    const packed = await load(goldenModel(name), { ...options, int4Folder: temporaryFolder() });
    try {
      const state = await trainedState(exact);
      for (const example of [tree(50, 9, 12), tree(90, 3, 2)]) {
        const targets = buildTargets(example, LONGPO);
        const expected = await exact.gradients(example.tokens, targets.targets, inputOf(targets), state);
        const found = await packed.gradients(example.tokens, targets.targets, inputOf(targets), state);
        expect(Math.abs(found.loss / expected.loss - 1)).toBeLessThan(1e-6);
        expect(relativeDifference(found.logps, expected.logps)).toBeLessThan(1e-6);
        expect(relativeDifference(found.gradient, expected.gradient)).toBeLessThan(2e-6);
      }
    } finally {
      await Promise.all([exact.release(), packed.release()]);
    }
  });
});

it('reads hidden states and generates as the model of the rounded weights', async () => {
  const exact = await load(await roundedCopy(goldenModel('llama')), {});
  const packed = await load(goldenModel('llama'), { int4Folder: temporaryFolder() });
  try {
    const state = await trainedState(exact);
    const { tokens } = tree(37, 1, 1);
    expect(
      relativeDifference(await packed.hiddenStates(tokens, state), await exact.hiddenStates(tokens, state)),
    ).toBeLessThan(1e-6);
    const request = { maxNewTokens: 8, temperature: 0, topK: 0, topP: 1, uniforms: new Float32Array(0), stopIds: [] };
    const input = { ...request, prefix: tokens.ids, prompts: [Int32Array.of(5, 6, 7), Int32Array.of(9)] };
    expect(await packed.generate(input, state)).toEqual(await exact.generate(input, state));
  } finally {
    await Promise.all([exact.release(), packed.release()]);
  }
});

it('has the gradient that finite differences give', async () => {
  const runner = await load(goldenModel('llama'), { int4Folder: temporaryFolder(), programs: ['gradients'] });
  try {
    const state = await trainedState(runner);
    const example = tree(30, 6, 5);
    const targets = buildTargets(example, LONGPO);
    const lossAt = async (parameters: Float32Array) =>
      runner.gradients(example.tokens, targets.targets, inputOf(targets), { ...state, parameters });
    const { gradient } = await lossAt(state.parameters);
    const norm = Math.sqrt(gradient.reduce((sum, x) => sum + x * x, 0));
    const along = (step: number) => state.parameters.map((x, i) => x + (step * (gradient[i] ?? NaN)) / norm);
    const step = 1e-2;
    const slope = ((await lossAt(along(step))).loss - (await lossAt(along(-step))).loss) / (2 * step);
    expect(Math.abs(slope / norm - 1)).toBeLessThan(2e-3);
  } finally {
    await runner.release();
  }
});

it('does not train the weights themselves', async () => {
  const promise = load(goldenModel('llama'), { trainable: { kind: 'full' }, int4Folder: temporaryFolder() });
  await expectUserError(promise, 'invalid_input', '4 bits');
});
