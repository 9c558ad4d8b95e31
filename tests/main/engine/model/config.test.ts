import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadModelConfig } from '../../../../src/main/engine/model/config.ts';
import { UserError } from '../../../../src/shared/errors.ts';
import { MODEL_NAMES, changedCopy, expectUserError, goldenModel, temporaryFolder } from './model-folder.ts';
import type { Json } from './model-folder.ts';

const load = (name: string, changes: Json) => loadModelConfig(changedCopy(goldenModel(name), 'config.json', changes));

describe('loadModelConfig', () => {
  it('reads a llama folder', async () => {
    expect(await loadModelConfig(goldenModel('llama'))).toEqual({
      modelType: 'llama',
      hiddenSize: 64,
      intermediateSize: 128,
      numLayers: 2,
      numHeads: 4,
      numKvHeads: 2,
      headDim: 16,
      vocabSize: 320,
      rmsNormEps: 1e-5,
      rope: { type: 'default', theta: 10000 },
      tieWordEmbeddings: false,
      qkvBias: false,
      outputBias: false,
      mlpBias: false,
      qkNorm: false,
      maxPositionEmbeddings: 4096,
      bosTokenId: 1,
      eosTokenIds: [4],
      padTokenId: 0,
      torchDtype: 'float32',
    });
  });

  it('knows what is special in each architecture', async () => {
    expect(await loadModelConfig(goldenModel('qwen2'))).toMatchObject({
      qkvBias: true,
      outputBias: false,
      tieWordEmbeddings: true,
    });
    expect(await loadModelConfig(goldenModel('qwen3'))).toMatchObject({ qkvBias: false, qkNorm: true, headDim: 16 });
    expect(await loadModelConfig(goldenModel('mistral'))).toMatchObject({ numLayers: 3, rope: { theta: 1e6 } });
    expect(await load('llama', { attention_bias: true, mlp_bias: true })).toMatchObject({
      qkvBias: true,
      outputBias: true,
      mlpBias: true,
    });
    expect(await load('qwen3', { attention_bias: true, head_dim: undefined })).toMatchObject({
      qkvBias: true,
      outputBias: true,
      headDim: 128,
    });
    expect(await load('mistral', { attention_bias: true })).toMatchObject({ qkvBias: false, outputBias: false });
  });

  it('takes key/value heads from the heads where a llama config names none', async () => {
    expect(await load('llama', { num_key_value_heads: undefined })).toMatchObject({ numKvHeads: 4 });
    expect(await load('qwen2', { num_key_value_heads: null })).toMatchObject({ numKvHeads: 4 });
  });

  it('reads head_dim, dtype and lists of end tokens', async () => {
    expect(await load('llama', { head_dim: 32, torch_dtype: undefined, dtype: 'bfloat16' })).toMatchObject({
      headDim: 32,
      torchDtype: 'bfloat16',
    });
    const dir = changedCopy(goldenModel('llama'), 'generation_config.json', { eos_token_id: [4, 2], pad_token_id: -1 });
    expect(await loadModelConfig(dir)).toMatchObject({ eosTokenIds: [4, 2], padTokenId: null });
  });

  it('does without generation_config.json', async () => {
    const dir = temporaryFolder();
    writeFileSync(join(dir, 'config.json'), readFileSync(join(goldenModel('qwen3'), 'config.json')));
    expect(await loadModelConfig(dir)).toMatchObject({ eosTokenIds: [4], bosTokenId: 1, padTokenId: 0 });
  });

  it.each<[string, string, Json]>([
    ['another architecture', 'model_type', { model_type: 'gemma2' }],
    ['a name from Object.prototype', 'constructor', { model_type: 'constructor' }],
    ['another head', 'LlamaForSequenceClassification', { architectures: ['LlamaForSequenceClassification'] }],
    ['quantized weights', 'quantization_config', { quantization_config: { quant_method: 'gptq', bits: 4 } }],
    ['another activation', 'gelu', { hidden_act: 'gelu' }],
    ['sliding layers', 'layer_types', { layer_types: ['full_attention', 'sliding_attention'] }],
    ['longrope', 'longrope', { rope_scaling: { type: 'longrope', long_factor: [1], short_factor: [1] } }],
    ['partial rotary', 'partial_rotary_factor', { partial_rotary_factor: 0.5 }],
    ['partial rotary in the dictionary', 'partial_rotary', { rope_parameters: { partial_rotary_factor: 0.25 } }],
    ['RoPE by layer type', 'full_attention', { rope_parameters: { full_attention: { rope_type: 'default' } } }],
  ])('refuses %s by name', async (_what, word, changes) => {
    await expectUserError(
      load('llama', changes),
      'unsupported',
      'config.json',
      word === 'model_type' ? 'gemma2' : word,
    );
  });

  it('refuses a sliding window that is in force, and only that', async () => {
    await expectUserError(load('mistral', { sliding_window: 1024 }), 'unsupported', 'sliding_window', '1024');
    await expectUserError(
      load('mistral', { sliding_window: undefined, max_position_embeddings: 8192 }),
      'unsupported',
      '4096',
    );
    expect(await load('mistral', { sliding_window: 4096 })).toMatchObject({ modelType: 'mistral' });
    for (const name of ['qwen2', 'qwen3']) {
      const on = { use_sliding_window: true, sliding_window: 32 };
      await expectUserError(
        load(name, { ...on, max_window_layers: 1 }),
        'unsupported',
        'use_sliding_window',
        'layer 1',
      );
      expect(await load(name, { ...on, max_window_layers: 2 })).toMatchObject({ modelType: name });
      expect(
        await load(name, { ...on, max_window_layers: 0, layer_types: ['full_attention', 'full_attention'] }),
      ).toBeTruthy();
    }
  });

  it.each<[string, Json]>([
    ...[
      'model_type',
      'hidden_size',
      'intermediate_size',
      'num_hidden_layers',
      'num_attention_heads',
      'vocab_size',
      'max_position_embeddings',
      'rms_norm_eps',
    ].map((field): [string, Json] => [field, { [field]: undefined }]),
    ['hidden_size', { hidden_size: -64 }],
    ['hidden_size', { hidden_size: '64' }],
    ['hidden_size', { hidden_size: 66 }],
    ['num_hidden_layers', { num_hidden_layers: 0 }],
    ['num_hidden_layers', { num_hidden_layers: 1e12 }],
    ['num_hidden_layers', { num_hidden_layers: 1.5 }],
    ['num_key_value_heads', { num_key_value_heads: 3 }],
    ['num_key_value_heads', { num_key_value_heads: 8 }],
    ['head_dim', { head_dim: 15 }],
    ['rms_norm_eps', { rms_norm_eps: 0 }],
    ['rope_theta', { rope_theta: -1 }],
    ['rope_theta', { rope_theta: 'ten thousand' }],
    ['rope_scaling.factor', { rope_scaling: { type: 'linear' } }],
    ['rope_scaling.factor', { rope_scaling: { type: 'linear', factor: 0 } }],
    [
      'rope_scaling.high_freq_factor',
      { rope_scaling: { rope_type: 'llama3', factor: 8, low_freq_factor: 4, high_freq_factor: 4 } },
    ],
    ['rope_parameters.beta_fast', { rope_parameters: { rope_type: 'yarn', factor: 4, beta_fast: 1, beta_slow: 32 } }],
    ['layer_types', { layer_types: 'full_attention' }],
    ['eos_token_id', { eos_token_id: 'end' }],
  ])('names the field of a missing or impossible value: %s, %j', async (field, changes) => {
    await expectUserError(load('llama', changes), 'invalid_input', 'config.json', `"${field}"`);
  });

  it('says that a field is missing when it is', async () => {
    await expectUserError(load('llama', { hidden_size: undefined }), 'invalid_input', '"hidden_size" is missing');
    await expectUserError(load('mistral', { num_key_value_heads: undefined }), 'invalid_input', 'it is missing');
  });

  it('names generation_config.json for a token outside the vocabulary', async () => {
    const dir = changedCopy(goldenModel('llama'), 'generation_config.json', { eos_token_id: [4, 320] });
    await expectUserError(loadModelConfig(dir), 'invalid_input', 'generation_config.json', 'eos_token_id', '320');
  });

  it('names a folder without config.json, and a config.json that is not JSON', async () => {
    const dir = temporaryFolder();
    await expectUserError(loadModelConfig(dir), 'not_found', join(dir, 'config.json'));
    for (const text of ['', '{"model_type": "llama"', '[]', 'null', '"llama"']) {
      writeFileSync(join(dir, 'config.json'), text);
      await expectUserError(loadModelConfig(dir), 'invalid_input', 'config.json');
    }
  });

  it('answers any change of one field with a config or a UserError', async () => {
    const golden = JSON.parse(readFileSync(join(goldenModel('llama_rope_yarn'), 'config.json'), 'utf8')) as Json;
    const dir = temporaryFolder();
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...Object.keys(golden)), fc.jsonValue(), async (field, value) => {
        writeFileSync(join(dir, 'config.json'), JSON.stringify({ ...golden, [field]: value }));
        const result = await loadModelConfig(dir).catch((error: unknown) => error);
        if (result instanceof Error) expect(result).toBeInstanceOf(UserError);
      }),
      { numRuns: 300 },
    );
  });

  it.each(MODEL_NAMES)('reads the golden model %s', async (name) => {
    await expect(loadModelConfig(goldenModel(name))).resolves.toMatchObject({ hiddenSize: 64, vocabSize: 320 });
  });
});
