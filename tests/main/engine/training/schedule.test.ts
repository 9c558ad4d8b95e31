import { describe, expect, it } from 'vitest';
import {
  learningRateMultiplier,
  planRun,
  warmupStepsFromRatio,
} from '../../../../src/main/engine/training/schedule.ts';

// Expected values: transformers' get_*_schedule_with_warmup, last learning rate before each step.
const EXPECTED = {
  cosine: [0, 1 / 3, 2 / 3, 1, 0.9504844339512095, 0.8117449009293668, 0.6112604669781572, 0.38873953302184283],
  linear: [0, 1 / 3, 2 / 3, 1, 0.8571428571428571, 0.7142857142857143, 0.5714285714285714, 0.42857142857142855],
  constant: [0, 1 / 3, 2 / 3, 1, 1, 1, 1, 1],
} as const;

describe('learningRateMultiplier', () => {
  it.each(['cosine', 'linear', 'constant'] as const)('%s follows transformers', (name) => {
    EXPECTED[name].forEach((expected, step) => {
      expect(learningRateMultiplier({ name, warmupSteps: 3, totalSteps: 10 }, step)).toBeCloseTo(expected, 14);
    });
  });

  it('gives the golden learning rates', () => {
    const rates = [0, 1, 2, 3].map((step) =>
      learningRateMultiplier({ name: 'cosine', warmupSteps: 2, totalSteps: 8 }, step),
    );
    expect(rates.map((rate) => rate * 1e-3)).toEqual([0, 0.0005, 0.001, 0.0009330127018922195]);
  });

  it('starts at the full rate without warm-up', () => {
    expect(learningRateMultiplier({ name: 'cosine', warmupSteps: 0, totalSteps: 4 }, 0)).toBe(1);
    expect(learningRateMultiplier({ name: 'linear', warmupSteps: 0, totalSteps: 1 }, 0)).toBe(1);
  });
});

describe('steps', () => {
  it('rounds warm-up up, as transformers does', () => {
    expect(warmupStepsFromRatio(0.1, 76)).toBe(8);
    expect(warmupStepsFromRatio(0.1, 10)).toBe(1);
    expect(warmupStepsFromRatio(0, 10)).toBe(0);
  });

  it('plans by epochs, with a last, shorter step, or by steps', () => {
    const base = {
      schedule: 'cosine',
      batchSize: 8,
      warmupRatio: 0.1,
      warmupSteps: null,
      epochs: 2,
      maxSteps: null,
    } as const;
    expect(planRun(base, 301)).toEqual({
      schedule: { name: 'cosine', warmupSteps: 8, totalSteps: 76 },
      totalExamples: 602,
    });
    expect(planRun({ ...base, epochs: 0.5, batchSize: 1, warmupRatio: null, warmupSteps: 2 }, 3)).toEqual({
      schedule: { name: 'cosine', warmupSteps: 2, totalSteps: 2 },
      totalExamples: 2,
    });
    expect(planRun({ ...base, epochs: null, maxSteps: 5 }, 3)).toMatchObject({
      schedule: { totalSteps: 5, warmupSteps: 1 },
      totalExamples: 40,
    });
  });
});
