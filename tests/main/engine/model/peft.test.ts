import { cpSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadModelConfig } from '../../../../src/main/engine/model/config.ts';
import { initialLora, loraLayout, loraLayoutOf, tensorOf } from '../../../../src/main/engine/model/parameters.ts';
import type { ParameterLayout } from '../../../../src/main/engine/model/parameters.ts';
import { readAdapter, writeAdapter } from '../../../../src/main/engine/model/peft.ts';
import { openSafetensors, readTensor, writeSafetensors } from '../../../../src/main/engine/model/safetensors.ts';
import { linearModules } from '../../../../src/main/engine/model/weights.ts';
import { UserError } from '../../../../src/shared/errors.ts';
import {
  ADAPTER_NAMES,
  changedCopy,
  expectUserError,
  goldenAdapter,
  goldenModel,
  readJson,
  temporaryFolder,
} from './model-folder.ts';
import type { Json } from './model-folder.ts';

const WEIGHTS = 'adapter_model.safetensors';
const CONFIG = 'adapter_config.json';
const llama = await loadModelConfig(goldenModel('llama'));
const changed = (changes: Json) => readAdapter(changedCopy(goldenAdapter('llama'), CONFIG, changes), llama);

/** The golden llama adapter with some tensors left out (null) or given another shape. */
async function withTensors(changes: Record<string, number[] | null>): Promise<string> {
  const dir = temporaryFolder();
  cpSync(goldenAdapter('llama'), dir, { recursive: true });
  const file = await openSafetensors(join(dir, WEIGHTS));
  const kept = await Promise.all(
    [...file.tensors]
      .filter(([name]) => changes[name] === undefined)
      .map(async ([name, { shape }]) => ({ name, shape, data: await readTensor(file, name) })),
  );
  const added = Object.entries(changes).flatMap(([name, shape]) =>
    shape === null ? [] : [{ name, shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) }],
  );
  await writeSafetensors(
    join(dir, WEIGHTS),
    [...kept, ...added].map((tensor) => ({ ...tensor, dtype: 'F32' as const })),
  );
  return dir;
}

describe('readAdapter', () => {
  it.each(ADAPTER_NAMES)('reads the PEFT adapter %s', async (name) => {
    const { layout, vector, baseModel } = await readAdapter(
      goldenAdapter(name),
      await loadModelConfig(goldenModel(name)),
    );
    expect(layout.lora).toMatchObject({ rank: 4, alpha: 8, rslora: false, scale: 2 });
    expect(layout.lora?.layers).toBeUndefined();
    expect(baseModel).toBe(`../../models/${name}`);
    const file = await openSafetensors(join(goldenAdapter(name), WEIGHTS));
    expect(layout.tensors.length).toBe(file.tensors.size);
    for (const { name: tensor } of layout.tensors) {
      expect(tensorOf(layout, vector, tensor)).toEqual(await readTensor(file, tensor));
    }
  });

  it('reads rsLoRA, target expressions and start values that leave the base alone', async () => {
    const { layout } = await changed({ use_rslora: true, target_modules: '.*_proj', init_lora_weights: 'gaussian' });
    expect(layout.lora?.scale).toBe(4);
    expect(layout.lora?.targets.length).toBe(7);
  });

  it.each<[string, unknown]>([
    ['peft_type', 'IA3'],
    ['task_type', 'SEQ_CLS'],
    ['bias', 'lora_only'],
    ['use_dora', true],
    ['use_qalora', true],
    ['lora_bias', true],
    ['modules_to_save', ['lm_head']],
    ['rank_pattern', { 'layers.0.self_attn.q_proj': 8 }],
    ['alpha_pattern', { q_proj: 16 }],
    ['layer_replication', [[0, 1]]],
    ['trainable_token_indices', [1, 2]],
    ['init_lora_weights', 'pissa'],
    ['init_lora_weights', 'loftq'],
    ['a_feature_of_tomorrow', { on: true }],
  ])('refuses the adapter feature %s = %j by name', async (field, value) => {
    await expectUserError(changed({ [field]: value }), 'unsupported', CONFIG, `"${field}"`, JSON.stringify(value));
  });

  it.each<[string, Json]>([
    ['r', { r: 0 }],
    ['r', { r: undefined }],
    ['lora_alpha', { lora_alpha: '8' }],
    ['peft_type', { peft_type: undefined }],
    ['target_modules', { target_modules: 3 }],
  ])('names the impossible value %s, %j', async (field, changes) => {
    await expectUserError(changed(changes), 'invalid_input', CONFIG, `"${field}`);
  });

  it('names tensors that are missing, unknown or of another shape', async () => {
    const q = 'base_model.model.model.layers.1.self_attn.q_proj';
    const read = async (changes: Record<string, number[] | null>) => readAdapter(await withTensors(changes), llama);
    await expectUserError(
      read({ [`${q}.lora_B.weight`]: null }),
      'invalid_input',
      WEIGHTS,
      `${q}.lora_B.weight`,
      'missing',
    );
    const both = { [`${q}.lora_A.weight`]: null, [`${q}.lora_B.weight`]: null };
    await expectUserError(read(both), 'invalid_input', WEIGHTS, `${q}.lora_A.weight`, 'missing');
    await expectUserError(read({ [`${q}.lora_A.weight`]: [8, 64] }), 'invalid_input', '[8, 64]', '[4, 64]');
    for (const name of [
      'lm_head.lora_A.weight',
      'model.layers.2.mlp.up_proj.lora_A.weight',
      'model.embed_tokens.weight',
    ]) {
      await expectUserError(read({ [`base_model.model.${name}`]: [4, 64] }), 'invalid_input', WEIGHTS, name);
    }
    const other = await loadModelConfig(changedCopy(goldenModel('llama'), 'config.json', { intermediate_size: 64 }));
    await expectUserError(readAdapter(goldenAdapter('llama'), other), 'invalid_input', '[128, 4]', '[64, 4]');
  });

  it('names a folder without files, and an adapter in the old format', async () => {
    const dir = temporaryFolder();
    await expectUserError(readAdapter(dir, llama), 'not_found', CONFIG);
    writeFileSync(join(dir, CONFIG), readFileSync(join(goldenAdapter('llama'), CONFIG)));
    await expectUserError(readAdapter(dir, llama), 'not_found', WEIGHTS);
    cpSync(join(goldenAdapter('llama'), WEIGHTS), join(dir, 'x'));
    renameSync(join(dir, 'x'), join(dir, 'adapter_model.bin'));
    await expectUserError(readAdapter(dir, llama), 'unsupported', 'adapter_model.bin');
  });

  it('answers any change of adapter_config.json with an adapter or a UserError', async () => {
    const golden = readJson(join(goldenAdapter('llama'), CONFIG));
    const dir = temporaryFolder();
    cpSync(goldenAdapter('llama'), dir, { recursive: true });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...Object.keys(golden)), fc.jsonValue(), async (field, value) => {
        writeFileSync(join(dir, CONFIG), JSON.stringify({ ...golden, [field]: value }));
        const result = await readAdapter(dir, llama).catch((error: unknown) => error);
        if (result instanceof Error) expect(result).toBeInstanceOf(UserError);
      }),
      { numRuns: 200 },
    );
  });
});

describe('writeAdapter', () => {
  it.each(ADAPTER_NAMES)(
    'writes the weights file of PEFT for %s, byte for byte, and fields with its values',
    async (name) => {
      const adapter = await readAdapter(goldenAdapter(name), await loadModelConfig(goldenModel(name)));
      const dir = join(temporaryFolder(), 'new', 'adapter');
      await writeAdapter(dir, { ...adapter, baseModel: `../../models/${name}` });
      expect(readdirSync(dir).sort()).toEqual([CONFIG, WEIGHTS]);
      expect(readFileSync(join(dir, WEIGHTS)).equals(readFileSync(join(goldenAdapter(name), WEIGHTS)))).toBe(true);
      const golden = readJson(join(goldenAdapter(name), CONFIG));
      const sorted = (config: Json): Json => ({
        ...config,
        target_modules: [...(config['target_modules'] as string[])].sort(),
      });
      expect(golden).toMatchObject(sorted(readJson(join(dir, CONFIG))));
    },
  );

  const choice = { rank: 3, alpha: 5, rslora: true };
  const even = linearModules(llama).filter(({ layer }) => layer === 1);
  const uneven = linearModules(llama).filter(({ layer, shortName }) => layer === 1 || shortName === 'v_proj');
  it.each<[string, ParameterLayout, Json]>([
    [
      'some targets',
      loraLayout(llama, { ...choice, targets: ['q_proj', 'down_proj'] }),
      { target_modules: ['q_proj', 'down_proj'], layers_to_transform: null },
    ],
    ['some layers', loraLayoutOf(llama, even, choice), { layers_to_transform: [1] }],
    [
      'targets that differ by layer',
      loraLayoutOf(llama, uneven, choice),
      { target_modules: uneven.map(({ name }) => name), layers_to_transform: null },
    ],
  ])('gives back an adapter on %s', async (_what, layout, fields) => {
    const dir = temporaryFolder();
    const vector = initialLora(layout, 3);
    await writeAdapter(dir, { layout, vector, baseModel: 'base' });
    expect(readJson(join(dir, CONFIG))).toMatchObject({ ...fields, use_rslora: true, r: 3, lora_alpha: 5 });
    const again = await readAdapter(dir, llama);
    expect(again).toEqual({ layout, vector, baseModel: 'base' });
  });
});
