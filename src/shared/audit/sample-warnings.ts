import type { LabelErrorReport } from './label-errors.ts';
import { sampleForShare } from './sample-size.ts';

/** Fewer judged pairs than this are called a small sample, whatever their interval. */
const fewPairs = 30;
/** A wider interval than plus or minus 10 points is called wide. */
const wide = 0.2;

const share = (part: number, of: number): string => `${((100 * part) / of).toFixed(0)}%`;

/** What must be known before the figures of a report are quoted, the gravest first; empty where nothing is in the way. */
export function sampleWarnings({
  n,
  error,
  sampling,
  documents,
  blind,
  disagreed,
}: Pick<LabelErrorReport, 'n' | 'error' | 'sampling' | 'documents' | 'blind' | 'disagreed'>): readonly string[] {
  if (n === 0 || error === null) return [];
  const warnings: string[] = [];
  const others = Math.max(0, sampling.population - n);
  const only = `The figures describe these ${n} pairs; nothing follows for the other ${others}.`;
  const remedy = 'Review in random order to estimate the rate of all pairs.';
  switch (sampling.kind) {
    case 'in_order':
      warnings.push(`The pairs were taken in a fixed order, not drawn at random. ${only} ${remedy}`);
      break;
    case 'picked':
      warnings.push(`The pairs were picked by hand. ${only} ${remedy}`);
      break;
    case 'unknown':
      warnings.push(`How the pairs were drawn was not recorded. ${only} ${remedy}`);
      break;
    case 'mixed':
      warnings.push(`The pairs were drawn in different ways and are no single random sample. ${only} ${remedy}`);
      break;
    case 'random_within_filters':
      warnings.push('The pairs were drawn at random among those that fit a filter: the figures speak for those only.');
      break;
    case 'random':
    case 'census':
      break;
  }
  const width = error.high - error.low;
  if (sampling.kind !== 'census' && (n < fewPairs || width > wide)) {
    const needed = sampleForShare(error.value, 0.1) - n;
    const more =
      needed <= 0
        ? ''
        : needed < others
          ? ` About ${needed} more drawn at random would narrow it to 10 points.`
          : ` Reviewing the other ${others} too would leave nothing to estimate.`;
    warnings.push(`The sample is small: ${n} pairs, an interval ${(100 * width).toFixed(0)} points wide.${more}`);
  }
  if (sampling.skipped > 0.05 * n) {
    warnings.push(
      `${sampling.skipped} pairs were only skipped (${share(sampling.skipped, n + sampling.skipped)}): if those are the hard ones, the rate is higher.`,
    );
  }
  if (documents < n / 2) {
    warnings.push(
      `The ${n} pairs come from ${documents} documents. Pairs of one document resemble each other and the interval takes them as independent, so it may be too narrow.`,
    );
  }
  if (blind < n) {
    warnings.push(
      `${n - blind} of the ${n} verdicts were given with the labels shown, which invites agreement with them. Use blind mode for figures to quote.`,
    );
  }
  if (disagreed > 0) {
    warnings.push(`Reviewers differ on ${disagreed} of the pairs; the latest verdict counts.`);
  }
  return warnings;
}
