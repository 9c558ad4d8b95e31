import { expect, test } from 'vitest';
import { isMetricName, metrics } from '../../src/shared/metrics.ts';
import { presetDifferences, presets } from '../../src/shared/presets.ts';
import { parseRunConfig } from '../../src/shared/run-config.ts';

test('the empty configuration is the paper, and a complete one is its own reading', () => {
  const config = parseRunConfig({});
  expect(config).toMatchObject({ beta: 0.1, lambda: 0.01, nllDocument: 1, nllAnswers: 0, learningRate: 5e-7 });
  expect(config).toMatchObject({ warmupRatio: 0.1, warmupSteps: null, epochs: 1, maxSteps: null, batchSize: 8 });
  expect(parseRunConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
});

test('the weights follow the objective', () => {
  expect(parseRunConfig({ objective: 'dpo' })).toMatchObject({ lambda: 1, nllDocument: 0, nllAnswers: 0 });
  expect(parseRunConfig({ objective: 'simpo' })).toMatchObject({ beta: 2, gamma: 1, lambda: 1, turnsPerSample: 4 });
  expect(parseRunConfig({ objective: 'simpo', beta: 10 })).toMatchObject({ gamma: 5 });
  expect(parseRunConfig({ objective: 'orpo' })).toMatchObject({ beta: 1, lambda: 0.1, nllAnswers: 1 });
  expect(parseRunConfig({ objective: 'solopo' })).toMatchObject({ reward: 'dpo', alpha: 3, beta: 0.1, lambda: 1 });
  expect(parseRunConfig({ objective: 'solopo', reward: 'orpo' })).toMatchObject({
    alpha: 1,
    lambda: 0.1,
    nllAnswers: 1,
  });
  expect(parseRunConfig({ objective: 'opsdl' })).toMatchObject({
    maxNewTokens: 512,
    temperature: 1,
    turnsPerSample: 1,
  });
  expect(Object.keys(parseRunConfig({ objective: 'dpo' }))).not.toContain('gamma');
  expect(parseRunConfig(parseRunConfig({ objective: 'solopo', reward: 'simpo' }))).toMatchObject({
    gamma: 1,
    alpha: 1,
  });
  expect(parseRunConfig({ objective: 'sft' })).toMatchObject({ lambda: 0, nllDocument: 0, nllAnswers: 1 });
  expect(parseRunConfig({ objective: 'dpo', lambda: 0.5 })).toMatchObject({ lambda: 0.5 });
});

test('steps instead of shares', () => {
  const config = parseRunConfig({ warmupSteps: 2, maxSteps: 4 });
  expect(config).toMatchObject({ warmupRatio: null, warmupSteps: 2, epochs: null, maxSteps: 4 });
});

test.each([
  [{ beta: 0 }, 'beta'],
  [{ beta: '0.1' }, 'beta'],
  [{ learningRate: Number.NaN }, 'learningRate'],
  [{ nll: 1 }, 'nll'],
  [{ warmupRatio: 0.1, warmupSteps: 3 }, 'warmupSteps'],
  [{ epochs: 1, maxSteps: 3 }, 'maxSteps'],
  [{ objective: 'sft', lambda: 0.01 }, 'lambda'],
  [{ objective: 'dpo', lambda: 0 }, 'lambda'],
  [{ objective: 'longpo', gamma: 1 }, 'gamma'],
  [{ objective: 'simpo', reward: 'dpo' }, 'reward'],
  [{ objective: 'simpo', lambda: 0, nllAnswers: 1 }, 'lambda'],
  [{ objective: 'orpo', beta: 0.1 }, 'beta'],
  [{ objective: 'solopo', turnsPerSample: 4 }, 'turnsPerSample'],
  [{ objective: 'longpo', referenceRope: 'policy' }, 'referenceRope'],
  [{ objective: 'solopo', nllDocument: 1 }, 'nllDocument'],
  [{ objective: 'solopo', reward: 'dpo', gamma: 1 }, 'gamma'],
  [{ objective: 'opsdl', nllAnswers: 1 }, 'nllAnswers'],
  [{ objective: 'opsdl', alpha: 1 }, 'alpha'],
  [{ trainable: { kind: 'lora', rank: 0 } }, 'trainable.rank'],
  [{ trainable: { kind: 'lora', targets: ['q_proj', 'lm_head'] } }, 'trainable.targets[1]'],
  [{ trainable: { kind: 'lora', targets: [] } }, 'trainable.targets'],
  [{ trainable: { kind: 'full', rank: 4 } }, 'trainable.rank'],
  [{ baseBits: '4' }, 'baseBits'],
  [{ baseBits: 4, trainable: { kind: 'lora' } }, 'baseBits'],
  [{ optimizer: { beta1: 1 } }, 'optimizer.beta1'],
  [{ optimizer: { alpha: 0.9 } }, 'optimizer.alpha'],
  [{ optimizer: { kind: 'rmsprop', beta2: 0.9 } }, 'optimizer.beta2'],
  [{ heldOutFraction: 1 }, 'heldOutFraction'],
  [{ device: 'tpu' }, 'device'],
  [{ seed: 0.5 }, 'seed'],
])('%j is refused by the name of its field', (value, field) => {
  try {
    parseRunConfig(value, 'run.json');
  } catch (error) {
    expect(error).toMatchObject({ name: 'UserError', code: 'invalid_input', place: { file: 'run.json', field } });
    expect(String(error)).toContain(field);
    return;
  }
  expect.unreachable();
});

test('every preset is a valid configuration and differs where the table says so', () => {
  const configs = Object.values(presets).map((preset) => parseRunConfig(preset));
  for (const field of ['beta', 'nllDocument', 'optimizer', 'learningRate', 'epochs', 'ropeTheta'] as const) {
    expect(new Set(configs.map((config) => JSON.stringify(config[field]))).size).toBeGreaterThan(1);
    expect(presetDifferences.some((difference) => difference.field === field)).toBe(true);
  }
});

test('every metric has a label and a meaning; only clock and memory are not deterministic', () => {
  for (const info of Object.values(metrics)) expect([info.label, info.meaning]).not.toContain('');
  const measured = Object.entries(metrics).filter(([, info]) => !info.deterministic);
  expect(measured.every(([key]) => /second|memory/.test(key))).toBe(true);
  expect(isMetricName('rewards/margins')).toBe(true);
  expect(isMetricName('toString')).toBe(false);
});
