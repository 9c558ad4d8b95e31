import type { TwoReviewers } from '../../../shared/audit/agreement.ts';
import { judgements } from '../../../shared/audit/label-errors.ts';
import type { Judgement, LabelErrorRate, LabelErrorReport, Origin } from '../../../shared/audit/label-errors.ts';
import { csvCell } from '../../../shared/csv.ts';
import type { Estimate } from '../../../shared/evaluation-tasks.ts';
import { formatShare } from '../../components/figure.tsx';
import { formatCompact, formatCount } from '../../components/format.ts';

/** Who has given verdicts, with the number of pairs. */
export type Reviewers = readonly { readonly reviewer: string; readonly pairs: number }[];

/** Where the figures' formulas come from; shown beside each figure and written into what is exported. */
export const sources = {
  wilson: 'Wilson score interval (Wilson 1927, J. Am. Stat. Assoc. 22)',
  kappa: "Cohen's kappa (Cohen 1960, Educ. Psychol. Meas. 20)",
  kappaError: 'large-sample standard error (Fleiss, Cohen and Everitt 1969, Psychol. Bull. 72)',
  fleiss: "Fleiss' kappa (Fleiss 1971, Psychol. Bull. 76)",
  fleissError: 'standard error of Gwet (2008, Br. J. Math. Stat. Psychol. 61)',
} as const;

export const judgementNames: Readonly<Record<Judgement, string>> = {
  chosen_better: 'chosen better',
  rejected_better: 'rejected better',
  both_good: 'both good',
  both_bad: 'both bad',
  broken_instruction: 'broken instruction',
};

/** One line of the table of label errors: all pairs, or a group of them. */
export interface RateRow {
  readonly by: 'all' | 'document type' | 'document length' | 'generation';
  readonly group: string;
  readonly rate: LabelErrorRate;
}

/** `16K to 64K characters` */
export function lengthName(from: number, to: number | null): string {
  if (to === null) return `${formatCompact(from)} characters and more`;
  return from === 0
    ? `under ${formatCompact(to)} characters`
    : `${formatCompact(from)} to ${formatCompact(to)} characters`;
}

/** `#2 nightly, base-model` */
export function originName({ jobId, generation, modelFingerprint, model }: Origin): string {
  const job = jobId === null ? 'made elsewhere' : `#${jobId}${generation === null ? '' : ` ${generation}`}`;
  return `${job}, ${model ?? `model ${modelFingerprint.slice(0, 12)}`}`;
}

/** The rows of the table of label errors; groups without judged pairs are left out. */
export function rateRows(report: LabelErrorReport): readonly RateRow[] {
  const rows: RateRow[] = [
    { by: 'all', group: 'all reviewed pairs', rate: report },
    ...report.byDocumentType.map((rate): RateRow => ({ by: 'document type', group: rate.documentType, rate })),
    ...report.byLength.map((rate): RateRow => ({ by: 'document length', group: lengthName(rate.from, rate.to), rate })),
    ...report.byOrigin.map((rate): RateRow => ({ by: 'generation', group: originName(rate.origin), rate })),
  ];
  return rows.filter(({ rate }) => rate.n > 0);
}

const csvLine = (cells: readonly (string | number | null)[]): string =>
  cells.map((cell) => (cell === null ? '' : typeof cell === 'number' ? String(cell) : csvCell(cell))).join(',');

const csvText = (lines: readonly (readonly (string | number | null)[])[]): string =>
  [...lines.map(csvLine), ''].join('\n');

const bounds = (estimate: Estimate | null): readonly (number | null)[] =>
  estimate === null ? [null, null, null] : [estimate.value, estimate.low, estimate.high];

/** Label errors as CSV: a row a group, shares and their 95% bounds unrounded, then the count of each verdict. */
export function labelErrorCsv(report: LabelErrorReport): string {
  const header = ['by', 'group', 'pairs', 'error_rate', 'error_low', 'error_high'];
  return csvText([
    [...header, 'reversed_rate', 'reversed_low', 'reversed_high', ...judgements],
    ...rateRows(report).map(({ by, group, rate }) => [
      ...[by, group, rate.n],
      ...bounds(rate.error),
      ...bounds(rate.reversed),
      ...judgements.map((judgement) => rate.verdicts[judgement]),
    ]),
  ]);
}

const markdownLine = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;

/** A table in Markdown; columns after the first `texts` ones hold numbers. */
function markdownTable(header: readonly string[], rows: readonly (readonly string[])[], texts: number): string {
  const rule = `|${header.map((_, i) => (i < texts ? '---' : '--:')).join('|')}|`;
  return [markdownLine(header), rule, ...rows.map(markdownLine)].join('\n');
}

/** `12.5% [8.1%, 18.8%]` */
export function estimateText(estimate: Estimate | null): string {
  if (estimate === null) return '';
  return `${formatShare(estimate.value)} [${formatShare(estimate.low)}, ${formatShare(estimate.high)}]`;
}

/** Label errors as Markdown with the sample, its warnings and the formulas' sources. */
export function labelErrorMarkdown(report: LabelErrorReport, sample: string, warnings: readonly string[]): string {
  const table = markdownTable(
    ['group', 'pairs', 'label error rate [95%]', 'rejected better [95%]'],
    rateRows(report).map(({ group, rate }) => [
      ...[group, formatCount(rate.n)],
      ...[estimateText(rate.error), estimateText(rate.reversed)],
    ]),
    1,
  );
  const notes = [
    'Label error: a reviewed pair for which "chosen beats rejected" does not hold.',
    sample,
    ...warnings,
    `Intervals: ${sources.wilson}.`,
  ];
  return `${table}\n\n${notes.join('\n')}\n`;
}

/** `0.688 [0.155, 1.000]`; empty where there is none. */
export function kappaText({ value, low, high }: TwoReviewers['kappa']): string {
  if (value === null) return '';
  return low === null || high === null
    ? value.toFixed(3)
    : `${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
}

/** The confusion matrix as CSV (rows: the first reviewer), then agreement and kappa unrounded with their 95% bounds. */
export function twoReviewersCsv({ reviewers, pairs, agreement, kappa, matrix }: TwoReviewers): string {
  return csvText([
    [`${reviewers[0]} \\ ${reviewers[1]}`, ...judgements],
    ...judgements.map((judgement, i) => [judgement, ...(matrix[i] ?? [])]),
    [],
    ['figure', 'value', 'low', 'high', 'pairs'],
    ['agreement', ...bounds(agreement), pairs],
    ['cohen_kappa', kappa.value, kappa.low, kappa.high, pairs],
  ]);
}

/** The confusion matrix as Markdown with kappa, agreement and the formulas' sources. */
export function twoReviewersMarkdown(two: TwoReviewers & { readonly blind: number }): string {
  const [first, second] = two.reviewers;
  const table = markdownTable(
    [`${first} \\ ${second}`, ...judgements.map((judgement) => judgementNames[judgement])],
    judgements.map((judgement, i) => [judgementNames[judgement], ...(two.matrix[i] ?? []).map(formatCount)]),
    1,
  );
  const notes = [
    `${formatCount(two.pairs)} pairs judged by both (${formatCount(two.blind)} blind by both), skips left out.`,
    `Cohen's kappa ${kappaText(two.kappa) || 'undefined'}, agreement ${estimateText(two.agreement)}; 95% intervals.`,
    `Sources: ${sources.kappa}, ${sources.kappaError}; ${sources.wilson}.`,
  ];
  return `${table}\n\n${notes.join('\n')}\n`;
}
