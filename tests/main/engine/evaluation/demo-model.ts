import type { Generator } from '../../../../src/main/engine/generation/batched.ts';
import { ropeFrequencies, ropeTables } from '../../../../src/main/engine/model/rope.ts';
import type { ModelRunner } from '../../../../src/main/engine/model/runner.ts';
import { loadResidentModel } from '../../../../src/main/engine/resident/resident-model.ts';
import { demoCodec, demoFile } from '../generation/ngram-runner.ts';

/** The demo's base model in ONNX Runtime on the CPU. */
export async function demoModel(): Promise<Generator & { readonly runner: ModelRunner }> {
  const runner = await loadResidentModel(demoFile('base-model'), {
    device: 'cpu',
    threads: 1,
    trainable: { kind: 'lora', rank: 1, alpha: 1, rslora: false, targets: ['q_proj'] },
    programs: ['score', 'generate'],
  });
  const { rope, headDim } = runner.config;
  const parameters = await runner.referenceParameters();
  return {
    runner,
    codec: await demoCodec(),
    state: { parameters, rope: ropeTables(ropeFrequencies(rope, headDim), 512) },
  };
}
