import path from 'node:path';
import { loadModelConfig } from '../../../../src/main/engine/model/config.ts';
import { readAdapter } from '../../../../src/main/engine/model/peft.ts';
import { loadResidentModel, type ResidentModel } from '../../../../src/main/engine/resident/resident-model.ts';
import type { RopeFor, ScoredExample, TrainingExample } from '../../../../src/main/engine/training/example.ts';
import { scoreReferences } from '../../../../src/main/engine/training/reference.ts';
import { ropeForModel } from '../../../../src/main/engine/training/rope-for.ts';
import { goldenTree, GOLDEN_ROOT, readGoldenCase } from './golden-longpo.ts';

export interface GoldenModel {
  readonly runner: ResidentModel;
  /** Parameters that training starts from: the adapter's, or the weights. */
  readonly start: Float32Array;
  readonly policyRope: RopeFor;
  readonly referenceRope: RopeFor;
  readonly examples: readonly TrainingExample[];
  /** Reference log-probabilities of examples on the short contexts and on the long input. */
  readonly score: (examples: readonly TrainingExample[]) => Promise<ScoredExample[]>;
}

/** The model of a golden case in ONNX Runtime, with the case's adapter and examples. Release the runner in the end. */
export async function loadGoldenModel(name: string): Promise<GoldenModel> {
  const { inputs } = readGoldenCase(name);
  const dir = path.join(GOLDEN_ROOT, inputs.model);
  const config = await loadModelConfig(dir);
  const adapter = inputs.adapter === null ? null : await readAdapter(path.join(GOLDEN_ROOT, inputs.adapter), config);
  const runner = await loadResidentModel(dir, {
    device: 'cpu',
    threads: 1,
    trainable: adapter === null ? { kind: 'full' } : { kind: 'layout', layout: adapter.layout },
    programs: ['score', 'logProbabilities', 'gradients'],
  });
  const referenceRope = ropeForModel(config, inputs.reference.rope_theta);
  const model = { fingerprint: name, rope: config.rope, ropeFor: referenceRope };
  const noCache = { get: async () => undefined, set: async () => undefined };
  return {
    runner,
    start: adapter?.vector ?? (await runner.initialParameters(0)),
    policyRope: ropeForModel(config, inputs.policy.rope_theta),
    referenceRope,
    examples: inputs.examples.map((example) => ({
      id: example.id,
      document: { id: example.id, name: example.id },
      tree: goldenTree(example),
      short: example.turns.map(goldenTree),
    })),
    score: (examples) => scoreReferences(runner, examples, model, noCache, { contexts: { short: true, long: true } }),
  };
}
