import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadModelConfig } from '../../../../src/main/engine/model/config.ts';
import {
  fullLayout,
  initialFull,
  initialLora,
  loraLayout,
  tensorOf,
} from '../../../../src/main/engine/model/parameters.ts';
import type { ParameterLayout } from '../../../../src/main/engine/model/parameters.ts';
import { openSafetensors } from '../../../../src/main/engine/model/safetensors.ts';
import { openWeights, readWeight } from '../../../../src/main/engine/model/weights.ts';
import { UserError } from '../../../../src/shared/errors.ts';
import { ADAPTER_NAMES, MODEL_NAMES, goldenAdapter, goldenModel } from './model-folder.ts';

const ALL = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'];

function expectDense(layout: ParameterLayout): void {
  let end = 0;
  for (const { offset, size, shape } of layout.tensors) {
    expect(offset).toBe(end);
    expect(size).toBe(shape.reduce((product, dimension) => product * dimension, 1));
    end += size;
  }
  expect(layout.total).toBe(end);
}

describe('loraLayout', () => {
  it.each(ADAPTER_NAMES)('has the tensors of the PEFT adapter %s', async (name) => {
    const layout = loraLayout(await loadModelConfig(goldenModel(name)), {
      rank: 4,
      alpha: 8,
      rslora: false,
      targets: ALL,
    });
    const file = await openSafetensors(join(goldenAdapter(name), 'adapter_model.safetensors'));
    expect(new Map(layout.tensors.map((tensor) => [tensor.name, tensor.shape]))).toEqual(
      new Map([...file.tensors].map(([tensor, { shape }]) => [tensor, shape])),
    );
    expectDense(layout);
    expect(layout.lora).toEqual({ rank: 4, alpha: 8, rslora: false, targets: ALL, scale: 2 });
  });

  it('goes by layer and module whatever the order of the targets, A before B', async () => {
    const config = await loadModelConfig(goldenModel('llama'));
    const layout = loraLayout(config, { rank: 2, alpha: 4, rslora: true, targets: ['up_proj', 'v_proj'] });
    expect(layout.tensors.map(({ name }) => name.replace('base_model.model.model.layers.', ''))).toEqual([
      '0.self_attn.v_proj.lora_A.weight',
      '0.self_attn.v_proj.lora_B.weight',
      '0.mlp.up_proj.lora_A.weight',
      '0.mlp.up_proj.lora_B.weight',
      '1.self_attn.v_proj.lora_A.weight',
      '1.self_attn.v_proj.lora_B.weight',
      '1.mlp.up_proj.lora_A.weight',
      '1.mlp.up_proj.lora_B.weight',
    ]);
    expect(layout.lora).toMatchObject({ targets: ['v_proj', 'up_proj'], scale: 4 / Math.sqrt(2) });
  });

  it('refuses settings that cannot be', async () => {
    const config = await loadModelConfig(goldenModel('llama'));
    const base = { rank: 4, alpha: 8, rslora: false, targets: ALL };
    for (const [field, value] of [
      ['rank', 0],
      ['rank', 2.5],
      ['alpha', 0],
      ['alpha', NaN],
      ['targets', []],
      ['targets', ['lm_head']],
    ]) {
      const make = () => loraLayout(config, { ...base, [field as string]: value });
      expect(make).toThrow(UserError);
      expect(make).toThrow(`"${String(field)}"`);
    }
  });
});

describe('initialLora', () => {
  it('fills A uniformly within 1 / sqrt(inFeatures) and B with zeros, the same for the same seed', async () => {
    const config = await loadModelConfig(goldenModel('llama'));
    const layout = loraLayout(config, { rank: 64, alpha: 64, rslora: false, targets: ALL });
    const vector = initialLora(layout, 7);
    expect(initialLora(layout, 7)).toEqual(vector);
    expect(initialLora(layout, 8)).not.toEqual(vector);
    for (const { name, shape } of layout.tensors) {
      const values = tensorOf(layout, vector, name);
      if (name.includes('lora_B')) {
        expect(values.every((value) => value === 0)).toBe(true);
        continue;
      }
      const bound = 1 / Math.sqrt(shape[1] ?? 0);
      const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      expect(largest).toBeLessThanOrEqual(bound);
      expect(largest).toBeGreaterThan(0.99 * bound);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + value * value, 0) / values.length;
      // Standard errors over at least 4096 values; six of them.
      expect(Math.abs(mean)).toBeLessThan((6 * bound) / Math.sqrt(3 * values.length));
      expect(Math.abs(variance / (bound ** 2 / 3) - 1)).toBeLessThan((6 * 0.9) / Math.sqrt(values.length));
    }
  });
});

describe('fullLayout', () => {
  it.each(MODEL_NAMES)('holds every weight of %s once', async (name) => {
    const dir = goldenModel(name);
    const config = await loadModelConfig(dir);
    const weights = await openWeights(dir, config);
    const layout = fullLayout(config);
    expectDense(layout);
    expect(layout.tensors.map((tensor) => tensor.name).includes('lm_head.weight')).toBe(name !== 'qwen2');
    const vector = await initialFull(layout, weights);
    for (const tensor of ['model.embed_tokens.weight', 'model.layers.1.mlp.down_proj.weight', 'model.norm.weight']) {
      expect(tensorOf(layout, vector, tensor)).toEqual(await readWeight(weights, tensor));
    }
  });
});

describe('tensorOf', () => {
  it('is a view, and knows its layout', async () => {
    const layout = fullLayout(await loadModelConfig(goldenModel('llama')));
    const vector = new Float32Array(layout.total);
    tensorOf(layout, vector, 'model.norm.weight')[5] = 3;
    expect(vector[(layout.tensors.find(({ name }) => name === 'model.norm.weight')?.offset ?? 0) + 5]).toBe(3);
    expect(() => tensorOf(layout, vector, 'nothing')).toThrow('nothing');
    expect(() => tensorOf(layout, vector.subarray(1), 'model.norm.weight')).toThrow('expected');
  });
});
