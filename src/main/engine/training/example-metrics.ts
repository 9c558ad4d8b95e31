import type { TrainingMetric } from '../../../shared/metrics.ts';
import { preferenceReference, type ExampleReference } from './example.ts';
import {
  answerLogps,
  nllValues,
  preferenceValues,
  rewardKind,
  shortToLongKl,
  type ObjectiveSettings,
  type ObjectiveTargets,
} from './objectives.ts';

/** Values by metric name; what was not computed is absent. */
export type MetricValues = Partial<Record<TrainingMetric, number>>;

/** The metrics that follow from one example's log-probabilities [M], in float64 (names: shared/metrics.ts). */
export function logpMetrics(
  logps: Float32Array,
  targets: ObjectiveTargets,
  settings: ObjectiveSettings,
  reference: ExampleReference,
): MetricValues {
  const values: MetricValues = {};
  const policy = answerLogps(logps, targets);
  const hasChosen = policy.chosen.length > 0;
  const hasRejected = policy.rejected.length > 0;
  const nll = nllValues(logps, targets);
  if (nll.whole !== undefined) values['nll/document'] = nll.whole;
  if (nll.answers !== undefined) values['nll/answers'] = nll.answers;

  const against = preferenceReference(settings.objective, reference);
  if (hasChosen && hasRejected && (against !== undefined || rewardKind(settings) !== 'dpo')) {
    const preference = preferenceValues(policy, against, settings);
    values['rewards/chosen'] = preference.rewardChosen;
    values['rewards/rejected'] = preference.rewardRejected;
    values['rewards/margins'] = preference.margin;
    values['rewards/accuracies'] = preference.accuracy;
    values['logps/chosen'] = preference.logpsChosen;
    values['logps/rejected'] = preference.logpsRejected;
  }
  for (const side of ['chosen', 'rejected'] as const) {
    if (policy[side].length === 0 || reference.short === undefined) continue;
    const { tokens, logRatioSum, k3Sum } = shortToLongKl(policy[side], reference.short[side]);
    values[`kl/short_to_long/${side}`] = logRatioSum / tokens;
    values[`kl/short_to_long_k3/${side}`] = k3Sum / tokens;
  }
  return values;
}

/** Mean of every metric over the examples; all examples must have the same ones. */
export function meanMetrics(examples: readonly MetricValues[]): MetricValues {
  const mean: MetricValues = {};
  for (const key of Object.keys(examples[0] ?? {}) as TrainingMetric[]) {
    let sum = 0;
    for (const values of examples) {
      const value = values[key];
      if (value === undefined) throw new Error(`The metric ${key} is missing from an example.`);
      sum += value;
    }
    mean[key] = sum / examples.length;
  }
  return mean;
}
