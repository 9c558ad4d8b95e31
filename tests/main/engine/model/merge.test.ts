import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadModelConfig } from '../../../../src/main/engine/model/config.ts';
import { exportMergedModel, mergedWeight } from '../../../../src/main/engine/model/merge.ts';
import type { MergeInput } from '../../../../src/main/engine/model/merge.ts';
import { fullLayout, initialFull, tensorOf } from '../../../../src/main/engine/model/parameters.ts';
import { readAdapter } from '../../../../src/main/engine/model/peft.ts';
import { openWeights, readWeight } from '../../../../src/main/engine/model/weights.ts';
import {
  MODEL_NAMES,
  changedCopy,
  expectUserError,
  goldenAdapter,
  goldenModel,
  readJson,
  temporaryFolder,
} from './model-folder.ts';

async function loraInput(name: string): Promise<MergeInput> {
  const sourceDir = goldenModel(name);
  const config = await loadModelConfig(sourceDir);
  const weights = await openWeights(sourceDir, config);
  return { sourceDir, config, weights, ...(await readAdapter(goldenAdapter(name), config)) };
}

async function fullInput(sourceDir: string): Promise<MergeInput> {
  const config = await loadModelConfig(sourceDir);
  const weights = await openWeights(sourceDir, config);
  const layout = fullLayout(config);
  return { sourceDir, config, weights, layout, vector: await initialFull(layout, weights) };
}

const reopen = async (dir: string) => openWeights(dir, await loadModelConfig(dir));

describe('mergedWeight', () => {
  it('is W + scale * B A', () => {
    const merged = mergedWeight(
      Float32Array.of(1, 2, 3, 4, 5, 6),
      Float32Array.of(1, 0, 2, 0, 1, 1),
      Float32Array.of(1, 2, 3, 4),
      2,
      0.5,
    );
    expect([...merged]).toEqual([1 + 0.5, 2 + 1, 3 + 2, 4 + 1.5, 5 + 2, 6 + 5]);
  });
});

describe('exportMergedModel', () => {
  it.each(MODEL_NAMES)('writes the files of %s again, byte for byte, from its own weights', async (name) => {
    const dir = join(temporaryFolder(), 'merged');
    await exportMergedModel(dir, await fullInput(goldenModel(name)));
    for (const file of readdirSync(goldenModel(name))) {
      const [ours, theirs] = [readFileSync(join(dir, file)), readFileSync(join(goldenModel(name), file))];
      if (file.endsWith('.safetensors') || file.startsWith('tokenizer')) expect(ours.equals(theirs), file).toBe(true);
      else expect(readJson(join(dir, file)), file).toEqual(readJson(join(goldenModel(name), file)));
    }
    expect(readdirSync(dir).sort()).toEqual(readdirSync(goldenModel(name)).sort());
  });

  it('keeps the spelling of numbers in config.json', async () => {
    const dir = join(temporaryFolder(), 'merged');
    await exportMergedModel(dir, { ...(await loraInput('llama')), ropeTheta: 5e6, dtype: 'bfloat16' });
    const text = readFileSync(join(dir, 'config.json'), 'utf8');
    for (const line of [
      '"attention_dropout": 0.0',
      '"rms_norm_eps": 1e-05',
      '"rope_theta": 5000000.0',
      '"hidden_size": 64,',
    ]) {
      expect(text).toContain(line);
    }
    expect(readJson(join(dir, 'config.json'))).toEqual({
      ...readJson(join(goldenModel('llama'), 'config.json')),
      rope_theta: 5e6,
      torch_dtype: 'bfloat16',
    });
  });

  it('writes the base where the config has it', async () => {
    const dir = join(temporaryFolder(), 'merged');
    await exportMergedModel(dir, { ...(await fullInput(goldenModel('llama_rope_yarn'))), ropeTheta: 123456 });
    const config = readJson(join(dir, 'config.json'));
    expect(config['rope_parameters']).toMatchObject({ rope_type: 'yarn', rope_theta: 123456, factor: 4 });
    expect(config['rope_theta']).toBeUndefined();
    expect((await loadModelConfig(dir)).rope.theta).toBe(123456);
  });

  it('adds the adapter to its layers only, and reports progress', async () => {
    const input = await loraInput('mistral');
    const dir = join(temporaryFolder(), 'merged');
    const progress: number[] = [];
    await exportMergedModel(dir, { ...input, onProgress: (done, all) => progress.push(done / all) });
    const merged = await reopen(dir);
    expect([...merged.shards.keys()]).toEqual([...input.weights.shards.keys()]);
    expect(progress.length).toBe(input.weights.tensors.size);
    expect(progress.at(-1)).toBe(1);
    for (const name of merged.tensors.keys()) {
      const [before, after] = [await readWeight(input.weights, name), await readWeight(merged, name)];
      if (!name.includes('_proj')) expect(after).toEqual(before);
      else expect(after).not.toEqual(before);
    }
    const name = 'model.layers.2.self_attn.k_proj';
    const side = (which: string) =>
      tensorOf(input.layout, input.vector, `base_model.model.${name}.lora_${which}.weight`);
    const [a, b, before] = [side('A'), side('B'), await readWeight(input.weights, `${name}.weight`)];
    const delta = [0, 1, 2, 3].reduce((sum, r) => sum + (b[5 * 4 + r] ?? 0) * (a[r * 64 + 9] ?? 0), 0);
    expect((await readWeight(merged, `${name}.weight`))[5 * 64 + 9]).toBe(
      Math.fround((before[5 * 64 + 9] ?? 0) + 2 * delta),
    );
  });

  it.each([
    ['bfloat16', 'BF16', 2 ** -8],
    ['float16', 'F16', 2 ** -11],
    ['float32', 'F32', 0],
  ] as const)('rounds to %s, and keeps that type when asked', async (dtype, stored, error) => {
    const input = await loraInput('qwen2');
    const exact = join(temporaryFolder(), 'exact');
    const rounded = join(temporaryFolder(), 'rounded');
    await exportMergedModel(exact, input);
    await exportMergedModel(rounded, { ...input, dtype });
    const [a, b] = [await reopen(exact), await reopen(rounded)];
    for (const name of a.tensors.keys()) {
      expect(b.tensors.get(name)?.dtype).toBe(stored);
      const [wanted, found] = [await readWeight(a, name), await readWeight(b, name)];
      const worst = wanted.reduce(
        (most, value, i) => Math.max(most, Math.abs(value - (found[i] ?? 0)) / (Math.abs(value) + 1e-4)),
        0,
      );
      expect(worst).toBeLessThanOrEqual(error);
    }
    const again = join(temporaryFolder(), 'again');
    await exportMergedModel(again, { ...(await fullInput(rounded)), dtype: 'keep' });
    expect(
      readFileSync(join(again, 'model.safetensors')).equals(readFileSync(join(rounded, 'model.safetensors'))),
    ).toBe(true);
  });

  it.each(['lora', 'full'])('puts in a part of what was learned (%s): 0 is the base bit for bit', async (kind) => {
    const full = await fullInput(goldenModel('mistral'));
    const moved = full.vector.map((value, i) => value + Math.sin(i) / 100);
    const input = kind === 'lora' ? await loraInput('mistral') : { ...full, vector: moved };
    const write = async (scale?: number): Promise<string> => {
      const dir = join(temporaryFolder(), 'merged');
      await exportMergedModel(dir, scale === undefined ? input : { ...input, scale });
      return dir;
    };
    const bytes = (dir: string): Buffer[] => {
      const files = readdirSync(dir).filter((file) => file.endsWith('.safetensors'));
      return files.map((file) => readFileSync(join(dir, file)));
    };
    const whole = await write();
    expect(bytes(await write(0))).toEqual(bytes(goldenModel('mistral')));
    expect(bytes(await write(1))).toEqual(bytes(whole));
    const trained = await reopen(whole);
    for (const scale of [0.7, 1.5]) {
      const merged = await reopen(await write(scale));
      for (const name of ['model.layers.1.mlp.up_proj.weight', 'model.layers.0.self_attn.v_proj.weight']) {
        const [base, end] = [await readWeight(input.weights, name), await readWeight(trained, name)];
        const wanted = base.map((value, i) => value + scale * ((end[i] ?? NaN) - value));
        const error = (await readWeight(merged, name)).map((value, i) => Math.abs(value - (wanted[i] ?? NaN)));
        expect(Math.max(...error), `${name} at ${scale}`).toBeLessThan(1e-6);
      }
    }
  });

  it('takes tokenizer and licence files, and nothing else, from the source', async () => {
    const source = changedCopy(goldenModel('llama'), 'config.json', {});
    for (const file of ['LICENSE', 'chat_template.jinja', 'README.md', 'pytorch_model.bin'])
      writeFileSync(join(source, file), file);
    const dir = join(temporaryFolder(), 'merged');
    await exportMergedModel(dir, await fullInput(source));
    expect(readdirSync(dir).sort()).toEqual([
      'LICENSE',
      'chat_template.jinja',
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
  });

  it('writes into an empty folder, refuses a used one, and leaves nothing behind when it fails', async () => {
    const input = await loraInput('llama');
    const parent = temporaryFolder();
    const dir = join(parent, 'merged');
    mkdirSync(dir);
    await exportMergedModel(dir, input);
    await expectUserError(exportMergedModel(dir, input), 'conflict', dir, 'already has files');
    await expectUserError(exportMergedModel(join(dir, 'config.json'), input), 'conflict', 'is a file');
    await expectUserError(exportMergedModel(join(parent, 'none', 'merged'), input), 'not_found', 'merged');
    const source = join(temporaryFolder(), 'source');
    cpSync(goldenModel('llama'), source, { recursive: true });
    const cut = await fullInput(source);
    writeFileSync(join(source, 'config.json'), '{');
    await expect(exportMergedModel(join(parent, 'second'), cut)).rejects.toThrow();
    expect(readdirSync(parent)).toEqual(['merged']);
  });
});
