import type { RunConfigInput } from '../../../src/shared/run-config.ts';

/** A run of a few fast steps with everything switched on: held-out pairs, checkpoints that are thinned out. */
export const tinyRun: RunConfigInput = {
  ...{ objective: 'longpo', lambda: 0.5, learningRate: 1e-3, batchSize: 2, epochs: 3, seed: 7, turnsPerSample: 1 },
  ...{ trainable: { kind: 'lora', rank: 4, alpha: 8 }, gradientCheckpointing: 'none', maxLength: 512, threads: 1 },
  ...{ checkpointEvery: 4, keepCheckpoints: 2, evalEvery: 5, heldOutFraction: 0.2 },
};
