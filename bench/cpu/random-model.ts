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

/** Writes config.json and model.safetensors into a folder. The numbers are the same each time. */
export async function writeRandomModel(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  await writeFile(path.join(dir, 'config.json'), JSON.stringify(CONFIG));
  const config = await loadModelConfig(dir);
  let state = 1;
  const uniform = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32 - 0.5;
  const tensors = expectedTensors(config).map(({ name, shape }) => {
    const size = shape.reduce((a, b) => a * b, 1);
    const data = new Float32Array(size);
    for (let i = 0; i < size; i++) data[i] = name.includes('norm') ? 1 : 0.07 * uniform();
    return { name, shape, dtype: 'F32' as const, data };
  });
  await writeSafetensors(path.join(dir, 'model.safetensors'), tensors);
}
