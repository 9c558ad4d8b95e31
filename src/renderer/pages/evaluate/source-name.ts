import type { EvaluationView } from '../../../shared/api/evaluations.ts';

/** Whose weights an evaluation measured: `base`, `run 3 at step 120`, `adapter`. */
export function sourceName({ runId, step, source }: Pick<EvaluationView, 'runId' | 'step' | 'source'>): string {
  if (runId !== null) return step === null ? `run ${runId}` : `run ${runId} at step ${step}`;
  return source === 'adapter' ? 'adapter' : 'base';
}
