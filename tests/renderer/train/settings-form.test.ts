import { expect, test } from 'vitest';
import {
  applies,
  changed,
  fieldGroups,
  formConfig,
  problemsOf,
} from '../../../src/renderer/pages/train/settings-form.ts';
import { labelOf } from '../../../src/renderer/components/config-form.ts';
import type { Changes } from '../../../src/renderer/components/config-form.ts';
import { presets } from '../../../src/shared/presets.ts';
import { parseRunConfig } from '../../../src/shared/run-config.ts';
import { runConfigHelp } from '../../../src/shared/run-config-help.ts';

const fields = fieldGroups.flatMap((group) => group.fields);
const make = (...steps: readonly (readonly [string, unknown])[]): Changes =>
  steps.reduce<Changes>((before, [path, value]) => changed(before, path, value), {});

test("every field of the command line's table is in the form, with its meaning and default", () => {
  expect(fields.map(({ path }) => path).sort()).toEqual(Object.keys(runConfigHelp).sort());
  for (const { path, meaning } of fields) {
    expect(meaning).toContain(runConfigHelp[path]?.text);
    expect(meaning).toContain('default');
  }
  expect(labelOf('optimizer.weightDecay')).toBe('Optimizer weight decay');
  expect(labelOf('nllDocument')).toBe('NLL document');
});

test('without changes it is the preset', () => {
  for (const name of ['paper', 'releasedCode', 'smallModel', 'demo'] as const) {
    expect(formConfig(name, {})).toEqual(presets[name]);
    expect([...problemsOf(formConfig(name, {}))]).toEqual([]);
  }
});

test('numbers are read as typed, and what is no number is refused at its field', () => {
  expect(formConfig('demo', make(['learningRate', '2e-4'], ['optimizer.beta1', '0.5']))).toMatchObject({
    learningRate: 2e-4,
    optimizer: { kind: 'adamw', beta1: 0.5, beta2: 0.98 },
  });
  expect([...problemsOf(formConfig('demo', make(['learningRate', 'fast'])))]).toEqual([
    ['learningRate', 'write a number, such as 0.1 or 1e-4'],
  ]);
  expect(problemsOf(formConfig('demo', make(['optimizer.beta1', '2']))).has('optimizer.beta1')).toBe(true);
});

test('steps take the place of epochs, and the reverse', () => {
  const steps = parseRunConfig(formConfig('demo', make(['maxSteps', '40'])));
  expect(steps).toMatchObject({ maxSteps: 40, epochs: null });
  const epochs = parseRunConfig(formConfig('demo', make(['maxSteps', '40'], ['epochs', '3'])));
  expect(epochs).toMatchObject({ maxSteps: null, epochs: 3 });
});

test("another kind drops the old one's settings, another objective brings its own weights", () => {
  const rms = parseRunConfig(formConfig('demo', make(['optimizer.beta1', '0.5'], ['optimizer.kind', 'rmsprop'])));
  expect(rms.optimizer).toEqual({ kind: 'rmsprop', alpha: 0.99, eps: 1e-8, weightDecay: 0 });
  const visible = fields.filter((field) => applies(rms, field)).map(({ path }) => path);
  expect(visible).toContain('optimizer.alpha');
  expect(visible).not.toContain('optimizer.beta1');
  expect(visible).not.toContain('trainable.rank');
  const lora = parseRunConfig(formConfig('demo', make(['trainable.kind', 'lora'], ['trainable.rank', '4'])));
  expect(lora.trainable).toMatchObject({ kind: 'lora', rank: 4, alpha: 32 });
  expect(parseRunConfig(formConfig('demo', make(['lambda', '3'], ['objective', 'dpo'])))).toMatchObject({
    ...{ objective: 'dpo', lambda: 1, nllDocument: 0, nllAnswers: 0 },
  });
});

test("another reward of SoLoPO brings that one's scale and weights", () => {
  const solo = (...more: [string, string][]) =>
    parseRunConfig(formConfig('demo', make(['objective', 'solopo'], ['alpha', '9'], ...more)));
  expect(solo()).toMatchObject({ reward: 'dpo', alpha: 9, beta: 0.1, turnsPerSample: 1 });
  expect(solo(['reward', 'orpo'])).toMatchObject({ alpha: 1, beta: 1, lambda: 0.1, nllAnswers: 1 });
  expect(solo(['reward', 'simpo'], ['beta', '10'])).toMatchObject({ alpha: 1, beta: 10, gamma: 5 });
});
