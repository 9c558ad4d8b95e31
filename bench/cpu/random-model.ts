import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { loadModelConfig } from '../../src/main/engine/model/config.ts';
import { writeSafetensors } from '../../src/main/engine/model/safetensors.ts';
import { expectedTensors } from '../../src/main/engine/model/weights.ts';

/** A Llama of about 25 million random parameters: grouped heads, a vocabulary that a whole matrix of logits would feel. */
const CONFIG = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 512,
  intermediate_size: 1408,
  num_hidden_layers: 6,
  num_attention_heads: 8,
  num_key_value_heads: 2,
  head_dim: 64,
  hidden_act: 'silu',
  max_position_embeddings: 8192,
  rms_norm_eps: 1e-5,
  rope_theta: 500000,
  tie_word_embeddings: true,
  vocab_size: 16384,
  torch_dtype: 'float32',
};

/**
 * Writes config.json and model.safetensors into a folder. The numbers are the same each time.
 *
 * @param changes fields of config.json that differ from the model above; `torch_dtype` says how the weights are stored
 */
export async function writeRandomModel(dir: string, changes: Readonly<Record<string, unknown>> = {}): Promise<void> {
  await mkdir(dir, { recursive: true });
  const dtype = changes['torch_dtype'] === 'bfloat16' ? 'BF16' : 'F32';
  await writeFile(path.join(dir, 'config.json'), JSON.stringify({ ...CONFIG, ...changes }));
  const config = await loadModelConfig(dir);
  let state = 1;
  const uniform = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32 - 0.5;
  const tensors = expectedTensors(config).map(({ name, shape }) => {
    const size = shape.reduce((a, b) => a * b, 1);
    const data = new Float32Array(size);
    for (let i = 0; i < size; i++) data[i] = name.includes('norm') ? 1 : 0.07 * uniform();
    return { name, shape, dtype, data } as const;
  });
  await writeSafetensors(path.join(dir, 'model.safetensors'), tensors);
}
