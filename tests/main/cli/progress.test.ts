import { describe, expect, test } from 'vitest';
import { progressLine, progressReporter } from '../../../src/main/cli/progress.ts';
import type { JobProgress } from '../../../src/shared/job-progress.ts';

const at = (phase: string, done: number, total: number, etaSeconds: number | null = null): JobProgress => ({
  phase,
  done,
  total,
  unit: 'steps',
  etaSeconds,
});

/** Collects what is written, under a clock that the test moves. */
function recorder(isTTY: boolean, columns = 60) {
  const written: string[] = [];
  let clock = 0;
  const reporter = progressReporter({ isTTY, columns, write: (text) => written.push(text) }, { now: () => clock });
  return { written, reporter, pass: (ms: number) => (clock += ms) };
}

test('a line says phase, amount, share and time left', () => {
  expect(progressLine(at('train', 12, 76, 31.4))).toBe('train: 12 of 76 steps, 15%, about 31 s left');
  expect(progressLine(at('train', 0, 76))).toBe('train: 0 of 76 steps, 0%');
  expect(progressLine(at('train', 76, 76, 0))).toBe('train: 76 of 76 steps, 100%');
  expect(progressLine(at('load', 0, 0))).toBe('load');
});

describe('not on a terminal', () => {
  test('writes a line at the start and the end of a phase and now and then between', () => {
    const { written, reporter, pass } = recorder(false);
    for (let step = 0; step <= 40; step += 1) {
      reporter.onProgress(at('train', step, 40));
      pass(1000);
    }
    reporter.onProgress(at('evaluate', 0, 2));
    reporter.finish();
    expect(written).toEqual([
      'train: 0 of 40 steps, 0%\n',
      'train: 15 of 40 steps, 37%\n',
      'train: 30 of 40 steps, 75%\n',
      'train: 40 of 40 steps, 100%\n',
      'evaluate: 0 of 2 steps, 0%\n',
    ]);
  });

  test('phases that take turns do not fill the log', () => {
    const { written, reporter, pass } = recorder(false);
    for (let group = 0; group < 10; group += 1) {
      reporter.onProgress(at('chosen', group, 10));
      pass(1000);
      reporter.onProgress(at('rejected', group, 10));
      pass(1000);
    }
    expect(written).toEqual([
      'chosen: 0 of 10 steps, 0%\n',
      'rejected: 0 of 10 steps, 0%\n',
      'chosen: 8 of 10 steps, 80%\n',
    ]);
    expect(reporter.finish().map(({ seconds }) => seconds)).toEqual([10, 10]);
  });

  test('writes no control characters', () => {
    const { written, reporter } = recorder(false);
    reporter.onProgress(at('train', 0, 1));
    reporter.note('a note');
    reporter.onProgress(at('train', 1, 1));
    reporter.finish();
    expect(written.join('')).not.toMatch(/[^\P{Cc}\n]/u);
  });
});

describe('on a terminal', () => {
  test('rewrites one line, not more often than every tenth of a second, and takes it off at the end', () => {
    const { written, reporter, pass } = recorder(true);
    for (let step = 0; step <= 3; step += 1) {
      reporter.onProgress(at('train', step, 10));
      pass(60);
    }
    reporter.finish();
    expect(written).toEqual([
      '\rtrain: 0 of 10 steps, 0%\u001b[K',
      '\rtrain: 2 of 10 steps, 20%\u001b[K',
      '\r\u001b[K',
    ]);
  });

  test('never writes more than a line is wide', () => {
    const { written, reporter } = recorder(true, 24);
    reporter.onProgress(at('a very long name of a phase', 1, 10, 100));
    expect(written[0]).toBe('\ra very long name of a …\u001b[K');
  });
});

test('answers how long each phase took', () => {
  const { reporter, pass } = recorder(false);
  reporter.onProgress(at('load', 0, 1));
  pass(2000);
  reporter.onProgress(at('train', 0, 1));
  pass(500);
  expect(reporter.finish()).toEqual([
    { phase: 'load', seconds: 2 },
    { phase: 'train', seconds: 0.5 },
  ]);
});
