/** The part of vitest's JSON report (`--reporter=json`) that is counted. */
export interface VitestReport {
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Counts from vitest's JSON report.
 *
 * A test file that fails without a failing test (it does not load, a hook throws) counts as one failure, and so does
 * each failed check besides the tests. Where vitest ends with an error that the report does not show (an unhandled
 * rejection, a crash, no report at all), that is one failure too: `0 failed` always means that everything passed.
 *
 * @param report the parsed report, or undefined where vitest wrote none
 * @param exitCode vitest's exit code
 * @param failedChecks how many checks besides the tests failed
 */
export function countTests(report: VitestReport | undefined, exitCode: number, failedChecks = 0): TestCounts {
  let passed = 0;
  let skipped = 0;
  let failedTests = 0;
  for (const file of report?.testResults ?? []) {
    const results = file.assertionResults;
    const failed = results.filter((result) => result.status === 'failed').length;
    passed += results.filter((result) => result.status === 'passed').length;
    skipped += results.filter((result) => !['passed', 'failed'].includes(result.status)).length;
    failedTests += file.status === 'failed' ? Math.max(failed, 1) : failed;
  }
  if (failedTests === 0 && (exitCode !== 0 || report === undefined)) failedTests = 1;
  return { passed, failed: failedTests + failedChecks, skipped };
}

/** `N passed, N failed`, with `, N skipped` where there are any. */
export function closingLine({ passed, failed, skipped }: TestCounts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
