/** One compared quantity; of several values under one name the worst counts. */
export interface QuantityReport {
  /** As in the case's files, with the way of computing it where there are two: 'batch.sft (packed)'. */
  readonly name: string;
  /** Worst error, in the measure of its tolerance; Infinity where a value is missing, NaN or of another shape. */
  readonly error: number;
  readonly tolerance: number;
  /** Values compared under this name. */
  readonly count: number;
  readonly ok: boolean;
  /** Where and what: 'examples.a.nll_full: expected 6.7, got 6.8'. Given where the quantity fails. */
  readonly detail?: string;
}

export interface CaseReport {
  /** Path of the case below the folder that was asked for: 'longpo/llama-full'. */
  readonly name: string;
  readonly folder: string;
  readonly status: 'passed' | 'failed' | 'skipped';
  readonly quantities: readonly QuantityReport[];
  /** What the files hold and nobody compared. */
  readonly warnings: readonly string[];
  /** Why the case could not be run (to its end), or was skipped. */
  readonly problem?: string;
  readonly seconds: number;
}

export interface GoldenReport {
  readonly cases: readonly CaseReport[];
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** One line: status, name, and what decides. */
export function formatCase(report: CaseReport): string {
  return `${report.status.padEnd(7)} ${report.name}: ${summary(report)}`;
}

function summary({ status, quantities, problem, seconds, warnings }: CaseReport): string {
  if (status === 'skipped') return problem ?? '';
  const failed = quantities.filter(({ ok }) => !ok);
  const notes = warnings.length === 0 ? '' : `, ${plural(warnings.length, 'warning')}`;
  if (status === 'failed') {
    const first = problem ?? (failed[0] === undefined ? '' : formatQuantity(failed[0]));
    const more = failed.length - (problem === undefined ? 1 : 0);
    return `${first}${more > 0 ? ` (and ${plural(more, 'more quantity', 'more quantities')})` : ''}`;
  }
  const share = (q: QuantityReport): number => (q.error === 0 ? 0 : q.error / q.tolerance);
  const [worst] = [...quantities].sort((a, b) => share(b) - share(a));
  const closest = worst === undefined ? '' : `, closest ${worst.name} at ${percent(share(worst))} of its tolerance`;
  return `${plural(quantities.length, 'quantity', 'quantities')}${closest}, ${seconds.toFixed(1)} s${notes}`;
}

/** Every failed quantity and warning of a case, one line each. */
export function formatDetails({ name, quantities, warnings, problem }: CaseReport): string[] {
  return [
    ...(problem === undefined ? [] : [`${name}: ${problem}`]),
    ...quantities.filter(({ ok }) => !ok).map((quantity) => `${name}: ${formatQuantity(quantity)}`),
    ...warnings.map((warning) => `${name}: warning: ${warning}`),
  ];
}

function formatQuantity({ name, error, tolerance, detail }: QuantityReport): string {
  const size = Number.isFinite(error) ? ` (error ${error.toPrecision(3)}, tolerance ${tolerance.toPrecision(3)})` : '';
  return `${name} differs: ${detail ?? ''}${size}`;
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

function percent(share: number): string {
  return `${(100 * share).toPrecision(2)} %`;
}
