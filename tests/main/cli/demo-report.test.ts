import { describe, expect, test } from 'vitest';
import {
  comparisonText,
  demoFacts,
  measuresTable,
  settingDifferences,
  verdictOf,
} from '../../../src/main/cli/demo-report.ts';
import type { DemoMeasure, MeasuredDifference, MeasuredModel } from '../../../src/main/cli/demo-report.ts';

const about = (value: number, half: number, n = 512) => ({ value, low: value - half, high: value + half, n });
const difference = (measure: DemoMeasure, value: number, half: number): MeasuredDifference => ({
  ...{ first: 'longpo', other: 'sft', measure },
  difference: about(value, half),
});

describe('what a difference says', () => {
  test.each([
    ['long', 0.03, 0.01, 'other'],
    ['long', -0.03, 0.01, 'first'],
    ['long', 0.01, 0.01, 'none'],
    ['text', 0.03, 0.01, 'first'],
    ['kl', -0.03, 0.01, 'other'],
    ['long', Number.NaN, 0, 'none'],
  ] as const)('%s %d +- %d: %s', (measure, value, half, verdict) => {
    expect(verdictOf(difference(measure, value, half))).toBe(verdict);
  });

  test('the words follow from the figures, whichever side they are on', () => {
    const same = [difference('long', 0, 0.01), difference('text', -0.02, 0.01)];
    const settings = settingDifferences(
      { objective: 'longpo', lambda: 0.01, seed: 0, optimizer: { beta1: 0.9 } },
      { objective: 'sft', lambda: 0, seed: 0, optimizer: { beta1: 0.9 } },
    );
    expect(comparisonText(same, settings)).toMatchInlineSnapshot(`
      "measure   sft - longpo [95% interval]  so
      ────────  ───────────────────────────  ───────────────────────────────────────────
      long QA         0.000 [-0.010, 0.010]  no difference that these questions can show
      text NLL      -0.020 [-0.030, -0.010]  sft is better
      Answers: these figures show no difference between longpo and sft.
      Likelihoods: sft is better on text NLL.
      Settings that differ, longpo and sft: objective longpo and sft; lambda 0.01 and 0.
      Which of these settings makes a difference, these figures cannot say."
    `);
    const wordsOf = (...rows: MeasuredDifference[]): string | undefined => comparisonText(rows).split('\n').at(-1);
    expect(wordsOf(difference('long', -0.3, 0.05))).toBe('Answers: longpo is better on long QA.');
    expect(wordsOf(difference('long', 0.3, 0.05), difference('ask', -0.3, 0.1), difference('short', 0, 0.1))).toBe(
      'Answers: longpo is better on ask; sft is better on long QA; no difference shown on short QA.',
    );
    expect(wordsOf(difference('kl', 0.001, 0.01))).toBe(
      'Likelihoods: these figures show no difference between longpo and sft.',
    );
  });
});

test('the table has a row a measure and a column a model', () => {
  const model = (name: string, shift: number): MeasuredModel => ({
    name,
    values: {
      short: about(0.99, 0.005),
      long: about(0.33 + shift, 0.04),
      closed: about(1, 0, 96),
      ask: about(0.85, 0.04, 256),
      text: about(1.51, 0.01, 256),
      kl: null,
    },
  });
  expect(measuresTable([model('base', 0), model('longpo', 0.5)])).toMatchInlineSnapshot(`
    "measure                          base                longpo  items  unit
    ───────────────  ────────────────────  ────────────────────  ─────  ───────────────────────────
    short QA         0.990 [0.985, 0.995]  0.990 [0.985, 0.995]    512  share, higher is better
    long QA          0.330 [0.290, 0.370]  0.830 [0.790, 0.870]    512  share, higher is better
    closed book      1.000 [1.000, 1.000]  1.000 [1.000, 1.000]     96  share, higher is better
    ask              0.850 [0.810, 0.890]  0.850 [0.810, 0.890]    256  share, higher is better
    text NLL         1.510 [1.500, 1.520]  1.510 [1.500, 1.520]    256  nats/token, lower is better
    KL to reference                     -                     -      -  nats/token, lower is better"
  `);
});

test('facts name phases, promises, memory and the workspace', () => {
  const text = demoFacts({
    ...{ folder: 'demo', seed: 0, documents: 300, counts: { pairs: 1201, identical: 385 }, seconds: 75.2 },
    runs: [{ name: 'longpo', runId: 1, steps: 76, tokens: 331000 }],
    phases: [
      { name: 'import', seconds: 0.4 },
      { name: 'train longpo', seconds: 74.8 },
    ],
    peakBytes: { engine: 600 * 2 ** 20, main: 100 * 2 ** 20 },
    checks: [{ name: 'long at least .88', ok: false, detail: '0.870 after, 0.328 before' }],
  });
  expect(text).toMatchInlineSnapshot(`
    "300 documents, 1,201 pairs (385 with identical answers), seed 0
    run 1 (longpo): 76 steps, 331,000 tokens read

    phase          wall time
    ────────────  ──────────
    import             0.4 s
    train longpo  1 min 15 s
    all           1 min 15 s

    FAILED long at least .88: 0.870 after, 0.328 before

    Peak memory: 700.0 MiB (engine 600.0 MiB, rest 100.0 MiB)
    Workspace: demo"
  `);
});
