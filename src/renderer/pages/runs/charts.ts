import type { MetricName } from '../../../shared/metrics.ts';

/** A chart of the run page: its curves by metric, in fixed colours of meaning. */
export interface ChartSpec {
  readonly title: string;
  readonly unit: string;
  readonly curves: readonly {
    readonly metric: MetricName;
    readonly name: string;
    readonly color: string;
    readonly dash?: string;
  }[];
  /** Whether a logarithmic axis makes sense (values are positive). */
  readonly positive: boolean;
  /** From the metric's unit to the chart's. */
  readonly scale?: number;
}

const tuned = 'var(--tuned)';
const chosen = 'var(--chosen)';
const rejected = 'var(--rejected)';

export const charts: readonly ChartSpec[] = [
  { title: 'Loss', unit: 'nats', positive: true, curves: [{ metric: 'loss', name: 'loss', color: tuned }] },
  {
    title: 'NLL',
    unit: 'nats/token',
    positive: true,
    curves: [
      { metric: 'nll/document', name: 'whole sequence', color: 'var(--base)' },
      { metric: 'nll/answers', name: 'answers', color: tuned, dash: '5 3' },
    ],
  },
  {
    title: 'Rewards',
    unit: 'nats',
    positive: false,
    curves: [
      { metric: 'rewards/chosen', name: 'chosen', color: chosen },
      { metric: 'rewards/rejected', name: 'rejected', color: rejected, dash: '5 3' },
      { metric: 'rewards/margins', name: 'margins', color: tuned, dash: '2 2' },
    ],
  },
  {
    title: 'Reward accuracy',
    unit: 'share',
    positive: false,
    curves: [{ metric: 'rewards/accuracies', name: 'accuracy', color: tuned }],
  },
  {
    title: 'KL to reference (short context)',
    unit: 'nats/token',
    positive: false,
    curves: [
      { metric: 'kl/short_to_long/chosen', name: 'chosen', color: chosen },
      { metric: 'kl/short_to_long/rejected', name: 'rejected', color: rejected, dash: '5 3' },
    ],
  },
  {
    title: 'KL to reference, k3',
    unit: 'nats/token',
    positive: true,
    curves: [
      { metric: 'kl/short_to_long_k3/chosen', name: 'chosen', color: chosen },
      { metric: 'kl/short_to_long_k3/rejected', name: 'rejected', color: rejected, dash: '5 3' },
    ],
  },
  {
    title: 'Exact KL, held out',
    unit: 'nats/token',
    positive: true,
    curves: [
      { metric: 'eval_kl/exact/chosen', name: 'chosen', color: chosen },
      { metric: 'eval_kl/exact/rejected', name: 'rejected', color: rejected, dash: '5 3' },
    ],
  },
  {
    title: 'Log-probabilities',
    unit: 'nats',
    positive: false,
    curves: [
      { metric: 'logps/chosen', name: 'chosen', color: chosen },
      { metric: 'logps/rejected', name: 'rejected', color: rejected, dash: '5 3' },
    ],
  },
  {
    title: 'Gradient norm',
    unit: 'L2',
    positive: true,
    curves: [{ metric: 'grad_norm', name: 'norm', color: 'var(--base)' }],
  },
  {
    title: 'Learning rate',
    unit: '',
    positive: true,
    curves: [{ metric: 'learning_rate', name: 'rate', color: 'var(--base)' }],
  },
  {
    title: 'Throughput',
    unit: 'tokens/s',
    positive: true,
    curves: [{ metric: 'tokens_per_second', name: 'tokens/s', color: 'var(--short)' }],
  },
  {
    title: 'Memory',
    unit: 'GiB',
    positive: true,
    scale: 1 / 2 ** 30,
    curves: [
      { metric: 'memory/rss_bytes', name: 'engine', color: 'var(--base)' },
      { metric: 'memory/gpu_bytes', name: 'GPU', color: 'var(--short)', dash: '5 3' },
    ],
  },
];
