import type { PairLogps } from '../../../shared/runs.ts';
import type { MetricValues } from './example-metrics.ts';

/** One example's loss, metrics and gradient. */
export interface ExampleResult {
  readonly loss: number;
  readonly metrics: MetricValues;
  /** Log-probabilities of the pairs that it was made of; none where the policy did not read both on the long input. */
  readonly pairs: readonly Omit<PairLogps, 'step'>[];
  /** Tokens the policy read (or wrote). */
  readonly tokens: number;
  /** [P]. */
  readonly gradient: Float32Array;
}
