import { expect, test } from 'vitest';
import { runConfigSchema } from '../../../src/shared/run-config.ts';
import { presets } from '../../../src/shared/presets.ts';
import { schemaFlags } from '../../../src/shared/schema-fields.ts';
import type { SchemaFlag } from '../../../src/shared/schema-fields.ts';
import { trainConfig } from '../../../src/main/cli/train-config.ts';

const flags = schemaFlags(runConfigSchema);

/** Flags as if they had been given. */
function given(values: Readonly<Record<string, unknown>>): ReadonlyMap<SchemaFlag, unknown> {
  return new Map(
    Object.entries(values).map(([name, value]) => {
      const flag = flags.find((candidate) => candidate.name === name);
      if (flag === undefined) throw new Error(`no flag ${name}`);
      return [flag, value];
    }),
  );
}

const configOf = (
  values: Readonly<Record<string, unknown>>,
  preset?: 'paper' | 'released-code' | 'demo',
  file?: object,
) =>
  trainConfig({
    preset,
    file: file === undefined ? undefined : { path: 'my.json', value: { ...file } },
    given: given(values),
  });

test('presets are the shared ones', () => {
  expect(configOf({}, 'released-code')).toEqual(runConfigSchema.parse(presets.releasedCode));
  expect(configOf({})).toEqual(runConfigSchema.parse({}));
});

test('flags come over the file, the file over the preset', () => {
  const config = configOf({ '--beta': 0.5 }, 'demo', { beta: 0.3, learningRate: 1e-3, optimizer: { beta1: 0.8 } });
  expect(config).toMatchObject({ beta: 0.5, learningRate: 1e-3, optimizer: { beta1: 0.8, beta2: 0.98 }, batchSize: 8 });
});

test('of two alternatives the later one takes the place of the other', () => {
  expect(configOf({ '--max-steps': 3, '--warmup-steps': 1 }, 'demo')).toMatchObject({
    ...{ maxSteps: 3, epochs: null, warmupSteps: 1, warmupRatio: null },
  });
  expect(configOf({ '--epochs': 2 }, 'demo', { maxSteps: 9 })).toMatchObject({ maxSteps: null, epochs: 2 });
});

test('both alternatives in one layer are an error that names the flag', () => {
  expect(() => configOf({ '--max-steps': 3, '--epochs': 2 })).toThrow(/^--max-steps 3: give epochs or maxSteps/);
});

test('another objective brings its own weights', () => {
  expect(configOf({ '--objective': 'sft' }, 'demo')).toMatchObject({ lambda: 0, nllDocument: 0, nllAnswers: 1 });
  expect(configOf({ '--objective': 'sft', '--nll-document': 0.1 }, 'demo')).toMatchObject({ nllDocument: 0.1 });
  expect(configOf({ '--objective': 'longpo' }, 'demo')).toMatchObject({
    lambda: 0.01,
    nllDocument: 0.1,
    nllAnswers: 1,
  });
  const solo = { objective: 'solopo', reward: 'dpo', beta: 0.3, alpha: 2 };
  expect(configOf({ '--learning-rate': 1e-4 }, undefined, solo)).toMatchObject({ beta: 0.3, alpha: 2 });
  expect(configOf({ '--reward': 'simpo' }, undefined, solo)).toMatchObject({ beta: 2, gamma: 1, alpha: 1 });
  expect(() => configOf({ '--objective': 'sft', '--lambda': 1 })).toThrow(/^--lambda 1: sft has no preference term/);
});
