import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadModelConfig } from '../../../../src/main/engine/model/config.ts';
import { readRopeSettings, withRopeTheta } from '../../../../src/main/engine/model/rope-config.ts';
import { ropeFrequencies, ropeTables } from '../../../../src/main/engine/model/rope.ts';
import { GOLDEN, MODEL_NAMES, goldenModel, readJson } from './model-folder.ts';

interface RopeCase {
  config: Record<string, unknown> & { max_position_embeddings: number; hidden_size: number; head_dim?: number };
  length?: number;
  theta?: number;
  inv_freq: number[];
  multiplier: number;
}
const cases = readJson(join(import.meta.dirname, '../../../fixtures/rope/rope.json')) as unknown as Record<
  string,
  RopeCase
>;

function expectClose(actual: Float64Array, expected: number[], relative: number): void {
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, i) => expect(Math.abs((actual[i] as number) / value - 1)).toBeLessThan(relative));
}

describe('ropeFrequencies', () => {
  it.each(MODEL_NAMES)('gives the golden frequencies of %s', async (name) => {
    const { rope } = readJson(join(GOLDEN, 'forward', name, 'expected.json')) as {
      rope: { inv_freq: number[]; cos_sin_multiplier: number };
    };
    const config = await loadModelConfig(goldenModel(name));
    const { inverseFrequencies, multiplier } = ropeFrequencies(config.rope, config.headDim);
    expectClose(inverseFrequencies, rope.inv_freq, 1e-14);
    expect(multiplier).toBeCloseTo(rope.cos_sin_multiplier, 14);
  });

  it.each(Object.entries(cases))("gives transformers' frequencies: %s", (_name, expected) => {
    const { config, inv_freq, multiplier, length, theta } = expected;
    const settings = readRopeSettings('config.json', config, config.max_position_embeddings);
    const actual = ropeFrequencies(settings, config.head_dim ?? config.hidden_size / 4, {
      ...(length === undefined ? {} : { length }),
      ...(theta === undefined ? {} : { theta }),
    });
    expectClose(actual.inverseFrequencies, inv_freq, 1e-12);
    expect(actual.multiplier).toBeCloseTo(multiplier, 14);
  });

  it('takes the same base from an override as from the settings', () => {
    for (const { config } of Object.values(cases)) {
      const settings = readRopeSettings('config.json', config, config.max_position_embeddings);
      expect(ropeFrequencies(settings, 64, { theta: 3e6 })).toEqual(ropeFrequencies({ ...settings, theta: 3e6 }, 64));
    }
  });
});

describe('ropeTables', () => {
  it('holds cos and sin of position times frequency with the multiplier', () => {
    const frequencies = { inverseFrequencies: Float64Array.of(1, 0.01, 1e-5), multiplier: 1.25 };
    const tables = ropeTables(frequencies, 70000);
    expect([tables.length, tables.half, tables.cos.length]).toEqual([70000, 3, 210000]);
    for (const position of [0, 1, 4095, 69999]) {
      frequencies.inverseFrequencies.forEach((frequency, i) => {
        expect(tables.cos[position * 3 + i]).toBe(Math.fround(Math.cos(position * frequency) * 1.25));
        expect(tables.sin[position * 3 + i]).toBe(Math.fround(Math.sin(position * frequency) * 1.25));
      });
    }
  });
});

describe('withRopeTheta', () => {
  const changed = (config: Record<string, unknown>): unknown => withRopeTheta({ hidden_size: 64, ...config }, 5e6);
  it.each([
    [{}, { rope_theta: 5e6 }],
    [
      { rope_theta: 1e4, rope_scaling: null },
      { rope_theta: 5e6, rope_scaling: null },
    ],
    [
      { rope_theta: 1e4, rope_scaling: { type: 'linear', factor: 2 } },
      { rope_theta: 5e6, rope_scaling: { type: 'linear', factor: 2 } },
    ],
    [
      { rope_parameters: { rope_type: 'default', rope_theta: 1e4 } },
      { rope_parameters: { rope_type: 'default', rope_theta: 5e6 } },
    ],
    [{ rope_parameters: { rope_type: 'default' } }, { rope_parameters: { rope_type: 'default', rope_theta: 5e6 } }],
    [
      { rope_theta: 1e4, rope_parameters: { rope_type: 'default', rope_theta: 2e4 } },
      { rope_theta: 5e6, rope_parameters: { rope_type: 'default', rope_theta: 5e6 } },
    ],
  ])('changes the base where it is written: %j', (config, expected) => {
    expect(changed(config)).toEqual({ hidden_size: 64, ...expected });
    expect(readRopeSettings('config.json', changed(config) as Record<string, unknown>, 4096).theta).toBe(5e6);
  });
});
