import type { Topic } from '../../../shared/api/contract.ts';
import type { ApiJob } from '../../../shared/api/jobs.ts';

/**
 * What a long job changes. Windows hear of it when the job ends, however it ends: its last state is stored after the last
 * progress that they heard of, and without this a page could show it as running for ever.
 */
export const changedByJob = {
  generate: ['generations', 'pairs'],
  train: ['runs'],
  evaluate: ['evaluations'],
  extend: ['extensions', 'generations', 'pairs', 'runs', 'evaluations'],
} as const satisfies Partial<Record<ApiJob['kind'], readonly Topic[]>>;
