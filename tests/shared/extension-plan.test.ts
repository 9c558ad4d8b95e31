import { expect, test } from 'vitest';
import { extensionPresets, parseExtensionPlan } from '../../src/shared/extension-plan.ts';
import { parseRunConfig } from '../../src/shared/run-config.ts';

test('both presets are plans with the lengths of the paper; each says what it trains', () => {
  for (const [name, stages] of Object.entries(extensionPresets)) {
    const plan = parseExtensionPlan({ name, modelDir: 'model', stages: [...stages] });
    expect(plan.stages.map(({ length, ropeTheta }) => [length, ropeTheta])).toEqual([
      [131072, 1e7],
      [262144, 1e7],
      [524288, 1e7],
    ]);
  }
  const trained = (name: keyof typeof extensionPresets) =>
    extensionPresets[name].map(({ train }) => parseRunConfig({ ...train }));
  expect(trained('paper')).toMatchObject(Array(3).fill({ trainable: { kind: 'full' }, learningRate: 5e-7, beta: 0.1 }));
  expect(trained('paper-lora')).toMatchObject(
    Array(3).fill({ trainable: { kind: 'lora', rank: 16, alpha: 32 }, learningRate: 1e-4, lambda: 0.01 }),
  );
});
