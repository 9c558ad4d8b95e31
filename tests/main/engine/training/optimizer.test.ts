import { describe, expect, it } from 'vitest';
import {
  ADAMW_DEFAULTS,
  RMSPROP_DEFAULTS,
  addInPlace,
  clipGradient,
  createOptimizer,
  type OptimizerSettings,
} from '../../../../src/main/engine/training/optimizer.ts';

const START = [0.5, -1.25, 2, 0];
const GRADIENTS = [
  [0.1, -2, 3e-5, 1e-9],
  [0.3, 1, -4e-5, 2e-9],
  [-0.2, 0.5, 1e-5, 0],
];
const RATES = [0, 0.01, 0.005];

function run(settings: OptimizerSettings): number[] {
  const parameters = Float32Array.from(START);
  const optimizer = createOptimizer(settings, parameters.length);
  GRADIENTS.forEach((gradient, i) => optimizer.update(parameters, Float32Array.from(gradient), RATES[i] ?? 0));
  return [...parameters];
}

// Expected values: torch.optim in float64, three steps from START with RATES.
describe('optimizers against torch', () => {
  it.each([
    [
      'AdamW',
      { ...ADAMW_DEFAULTS, beta2: 0.98, weightDecay: 0.01 },
      [0.48949576354700175, -1.2468324946428326, 2.001738718468393, -0.0017439134406062934],
    ],
    [
      'RMSprop',
      RMSPROP_DEFAULTS,
      [0.43191586915113866, -1.3059065327849244, 2.0701331951872293, -0.001956299577681886],
    ],
    [
      'RMSprop with weight decay',
      { ...RMSPROP_DEFAULTS, weightDecay: 0.1 },
      [0.42739566733523665, -1.2962839313289485, 1.9008045876888593, 0.04801815501941709],
    ],
  ] satisfies [string, OptimizerSettings, number[]][])('%s', (_name, settings, expected) => {
    run(settings).forEach((value, i) => expect(value).toBeCloseTo(expected[i] ?? NaN, 6));
  });

  it('changes nothing at learning rate 0 but fills the moments', () => {
    const parameters = Float32Array.from(START);
    const optimizer = createOptimizer({ ...ADAMW_DEFAULTS, weightDecay: 0.01 }, 4);
    optimizer.update(parameters, Float32Array.from([1, 2, 3, 4]), 0);
    expect([...parameters]).toEqual(START);
    expect(optimizer.state.get('m')).toEqual(Float32Array.from([1, 2, 3, 4], (g) => (1 - 0.9) * g));
    expect(optimizer.step).toBe(1);
  });

  it('refuses vectors of another length', () => {
    const optimizer = createOptimizer(RMSPROP_DEFAULTS, 3);
    expect(() => optimizer.update(new Float32Array(3), new Float32Array(4), 1)).toThrow('3 elements');
  });
});

describe('clipGradient', () => {
  it('returns the norm before clipping and scales to the limit', () => {
    const gradient = Float32Array.from([3, 4]);
    expect(clipGradient(gradient, 1)).toBe(5);
    expect(Math.hypot(...gradient)).toBeCloseTo(5 / (5 + 1e-6), 6);
  });

  it('leaves a short gradient alone', () => {
    const gradient = Float32Array.from([0.3, 0.4]);
    expect(clipGradient(gradient, 1)).toBeCloseTo(0.5, 7);
    expect(clipGradient(gradient, Infinity)).toBeCloseTo(0.5, 7);
    expect([...gradient]).toEqual([Math.fround(0.3), Math.fround(0.4)]);
  });

  it('does not overflow where float32 squares would', () => {
    expect(clipGradient(Float32Array.from([1e30, 1e30]), Infinity)).toBeCloseTo(1e30 * Math.SQRT2, -25);
  });

  it('reports a gradient that is not finite and leaves it alone', () => {
    const gradient = Float32Array.from([1, Infinity, 2]);
    expect(clipGradient(gradient, 1)).toBe(Infinity);
    expect([...gradient]).toEqual([1, Infinity, 2]);
  });
});

describe('addInPlace', () => {
  it('adds and says whether the term was finite', () => {
    const sum = Float32Array.from([1, 2]);
    expect(addInPlace(sum, Float32Array.from([0.5, -1]))).toBe(true);
    expect([...sum]).toEqual([1.5, 1]);
    expect(addInPlace(sum, Float32Array.from([NaN, 0]))).toBe(false);
    expect(addInPlace(sum, Float32Array.from([0, -Infinity]))).toBe(false);
  });
});
