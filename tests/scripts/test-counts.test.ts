import { describe, expect, it } from 'vitest';
import { closingLine, countTests } from '../../scripts/test-counts.ts';

const file = (status: string, ...tests: string[]) => ({
  status,
  assertionResults: tests.map((result) => ({ status: result })),
});

describe('the closing line of npm test', () => {
  it('counts tests', () => {
    const report = { testResults: [file('passed', 'passed', 'passed', 'pending'), file('failed', 'passed', 'failed')] };
    expect(closingLine(countTests(report, 1))).toBe('3 passed, 1 failed, 1 skipped');
  });

  it('says nothing of skipped tests where there are none', () => {
    expect(closingLine(countTests({ testResults: [file('passed', 'passed')] }, 0))).toBe('1 passed, 0 failed');
  });

  it.each([
    ['a file that does not load', { testResults: [file('failed')] }, 1, 0],
    ['a hook that throws after the tests', { testResults: [file('failed', 'passed')] }, 1, 0],
    ['an error outside all tests', { testResults: [file('passed', 'passed')] }, 1, 0],
    ['no report', undefined, 0, 0],
    ['a failed lint', { testResults: [file('passed', 'passed')] }, 0, 1],
  ])('counts %s as one failure', (_, report, code, checks) => {
    expect(countTests(report, code, checks).failed).toBe(1);
  });
});
