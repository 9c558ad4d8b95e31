import { cpSync, readFileSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadModelConfig } from '../../../../src/main/engine/model/config.ts';
import { openSafetensors, readTensor, writeSafetensors } from '../../../../src/main/engine/model/safetensors.ts';
import {
  expectedTensors,
  linearModules,
  openWeights,
  readWeight,
  weightsFingerprint,
} from '../../../../src/main/engine/model/weights.ts';
import { MODEL_NAMES, changedCopy, expectUserError, goldenModel, temporaryFolder } from './model-folder.ts';

const FILE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';

function copyOf(name: string): string {
  const dir = temporaryFolder();
  cpSync(goldenModel(name), dir, { recursive: true });
  return dir;
}

async function open(dir: string) {
  return openWeights(dir, await loadModelConfig(dir));
}

/** Rewrites the single file of a model folder with some tensors left out, added or reshaped. */
async function rewrite(dir: string, changes: Record<string, { shape: number[] } | null>): Promise<void> {
  const file = await openSafetensors(join(dir, FILE));
  const tensors = await Promise.all(
    [...file.tensors].map(async ([name, { shape }]) => ({ name, shape, data: await readTensor(file, name) })),
  );
  const kept = tensors.filter(({ name }) => changes[name] === undefined);
  const added = Object.entries(changes).flatMap(([name, change]) => {
    const size = change?.shape.reduce((a, b) => a * b, 1) ?? 0;
    return change === null ? [] : [{ name, shape: change.shape, data: new Float32Array(size) }];
  });
  await writeSafetensors(
    join(dir, FILE),
    [...kept, ...added].map((tensor) => ({ ...tensor, dtype: 'F32' as const })),
  );
}

describe('expectedTensors', () => {
  it.each(MODEL_NAMES)('lists exactly what the golden model %s holds', async (name) => {
    const dir = goldenModel(name);
    const config = await loadModelConfig(dir);
    const weights = await openWeights(dir, config);
    expect(weights.ignored).toEqual([]);
    expect([...weights.tensors.keys()]).toEqual(expectedTensors(config).map((tensor) => tensor.name));
    expect(weights.shards.size).toBe(name === 'mistral' ? 2 : 1);
    expect([...weights.shards.values()].flat().sort()).toEqual([...weights.tensors.keys()].sort());
  });

  it('asks for the biases that a config switches on', async () => {
    const config = await loadModelConfig(
      changedCopy(goldenModel('llama'), 'config.json', { attention_bias: true, mlp_bias: true }),
    );
    const biases = expectedTensors(config).filter(({ name }) => name.endsWith('.bias'));
    expect(biases.length).toBe(14);
    expect(biases.find(({ name }) => name === 'model.layers.1.self_attn.o_proj.bias')?.shape).toEqual([64]);
  });
});

describe('linearModules', () => {
  it('lists the seven linear layers of each layer', async () => {
    const modules = linearModules(await loadModelConfig(goldenModel('qwen2')));
    expect(modules.length).toBe(14);
    expect(modules.slice(8, 10)).toEqual([
      {
        name: 'model.layers.1.self_attn.k_proj',
        layer: 1,
        shortName: 'k_proj',
        inFeatures: 64,
        outFeatures: 32,
        bias: true,
      },
      {
        name: 'model.layers.1.self_attn.v_proj',
        layer: 1,
        shortName: 'v_proj',
        inFeatures: 64,
        outFeatures: 32,
        bias: true,
      },
    ]);
  });
});

describe('openWeights', () => {
  it('says where each tensor lies', async () => {
    const weights = await open(goldenModel('mistral'));
    const norm = weights.tensors.get('model.norm.weight');
    expect(norm).toMatchObject({ dtype: 'F32', shape: [64], length: 256 });
    const bytes = readFileSync(norm?.path ?? '').subarray(norm?.offset ?? 0);
    const values = await readWeight(weights, 'model.norm.weight');
    expect(values[63]).toBe(bytes.readFloatLE(252));
  });

  it('follows links to the real file', async () => {
    const dir = copyOf('llama');
    renameSync(join(dir, FILE), join(dir, 'blob'));
    symlinkSync('blob', join(dir, FILE));
    expect((await open(dir)).tensors.get('lm_head.weight')?.path.endsWith('blob')).toBe(true);
  });

  it('ignores further tensors, also the head of a tied model', async () => {
    const dir = copyOf('qwen2');
    await rewrite(dir, { 'lm_head.weight': { shape: [320, 64] }, 'model.rotary_emb.inv_freq': { shape: [8] } });
    const weights = await open(dir);
    expect([...weights.ignored].sort()).toEqual(['lm_head.weight', 'model.rotary_emb.inv_freq']);
    expect(weights.tensors.has('lm_head.weight')).toBe(false);
  });

  it('names a tensor that is missing or has another shape', async () => {
    const missing = copyOf('llama');
    await rewrite(missing, { 'model.layers.1.mlp.up_proj.weight': null });
    await expectUserError(open(missing), 'invalid_input', FILE, 'model.layers.1.mlp.up_proj.weight', '[128, 64]');
    const reshaped = copyOf('llama');
    await rewrite(reshaped, { 'model.norm.weight': { shape: [32] } });
    await expectUserError(open(reshaped), 'invalid_input', FILE, 'model.norm.weight', '[32]', '[64]');
    const config = changedCopy(goldenModel('llama'), 'config.json', { intermediate_size: 256 });
    await expectUserError(open(config), 'invalid_input', 'gate_proj', '[128, 64]', '[256, 64]');
    const untied = changedCopy(goldenModel('qwen2'), 'config.json', { tie_word_embeddings: false });
    await expectUserError(open(untied), 'invalid_input', 'lm_head.weight');
  });

  it('refuses weights that are not floating-point numbers', async () => {
    const dir = copyOf('llama');
    const bytes = readFileSync(join(dir, FILE));
    const length = Number(bytes.readBigUInt64LE());
    const header = bytes.toString('utf8', 8, 8 + length).replace('"dtype":"F32"', '"dtype":"I32"');
    bytes.write(header, 8);
    writeFileSync(join(dir, FILE), bytes);
    await expectUserError(open(dir), 'unsupported', FILE, 'I32');
  });

  it('names what is wrong with a sharded model', async () => {
    const shard = 'model-00002-of-00002.safetensors';
    const missing = copyOf('mistral');
    rmSync(join(missing, shard));
    await expectUserError(open(missing), 'invalid_input', INDEX, shard, 'does not exist');
    const outside = changedCopy(goldenModel('mistral'), INDEX, {
      weight_map: { 'lm_head.weight': '../x.safetensors' },
    });
    await expectUserError(open(outside), 'invalid_input', INDEX, '../x.safetensors');
    const lying = changedCopy(goldenModel('mistral'), INDEX, { weight_map: { 'model.nothing': shard } });
    await expectUserError(open(lying), 'invalid_input', INDEX, 'model.nothing');
    const empty = changedCopy(goldenModel('mistral'), INDEX, { weight_map: undefined });
    await expectUserError(open(empty), 'invalid_input', INDEX, '"weight_map" is missing');
  });

  it('names a folder without weights', async () => {
    const dir = copyOf('llama');
    rmSync(join(dir, FILE));
    await expectUserError(open(dir), 'not_found', dir, FILE);
  });
});

describe('weightsFingerprint', () => {
  it('is the same for a copy with other dates, and another for another model', async () => {
    const dir = copyOf('llama');
    utimesSync(join(dir, FILE), 1, 1);
    const original = await weightsFingerprint(goldenModel('llama'));
    expect(original).toMatch(/^[0-9a-f]{64}$/);
    expect(await weightsFingerprint(dir)).toBe(original);
    const prints = await Promise.all(MODEL_NAMES.map((name) => weightsFingerprint(goldenModel(name))));
    expect(new Set(prints).size).toBe(MODEL_NAMES.length);
  });

  it('changes with config.json and with the contents', async () => {
    const original = await weightsFingerprint(goldenModel('qwen3'));
    expect(await weightsFingerprint(changedCopy(goldenModel('qwen3'), 'config.json', { rope_theta: 2e6 }))).not.toBe(
      original,
    );
    const dir = copyOf('qwen3');
    const bytes = readFileSync(join(dir, FILE));
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
    writeFileSync(join(dir, FILE), bytes);
    expect(await weightsFingerprint(dir)).not.toBe(original);
    rmSync(join(dir, 'config.json'));
    await expectUserError(weightsFingerprint(dir), 'not_found', 'config.json');
  });
});
