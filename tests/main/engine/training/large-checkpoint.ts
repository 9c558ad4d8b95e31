import type { ParameterLayout } from '../../../../src/main/engine/model/parameters.ts';
import type { CheckpointIdentity } from '../../../../src/main/engine/training/checkpoint-identity.ts';
import type { Snapshot } from '../../../../src/main/engine/training/checkpoints.ts';

const SIZE = 1_000_000;

interface Setup {
  layout: ParameterLayout;
  identity: CheckpointIdentity;
  versions: Record<string, string>;
}

/** A checkpoint that takes long enough to write to be interrupted. */
export function largeSetup(): Setup {
  return {
    layout: { kind: 'full', tensors: [{ name: 'w', shape: [1000, 1000], offset: 0, size: SIZE }], total: SIZE },
    identity: { model: 'm', data: 'd', config: {} },
    versions: {},
  };
}

export function largeSnapshot(step: number): Snapshot {
  return {
    progress: {
      step,
      evaluatedStep: -1,
      dataOrder: { seed: 0, count: 1, position: step },
      numTokens: 0,
      elapsedSeconds: 0,
    },
    schedule: { name: 'constant', warmupSteps: 0, totalSteps: 1000 },
    parameters: new Float32Array(SIZE).fill(step),
    optimizer: new Map([
      ['m', new Float32Array(SIZE).fill(step + 0.25)],
      ['v', new Float32Array(SIZE).fill(step + 0.5)],
    ]),
  };
}
