import type { EvaluationView } from '../../../shared/api/evaluations.ts';

type Source = Pick<EvaluationView, 'runId' | 'step' | 'source' | 'model' | 'baseBits' | 'adapter'>;

/**
 * What to call whose weights evaluations measured: `base`, `run 3 at step 120`, `adapter tuned`; with the model where
 * there are several, and with the base's bits where they are not the model's own.
 */
export function sourceNames(all: readonly Source[]): (row: Source) => string {
  const several = new Set(all.map(({ model }) => model)).size > 1;
  return ({ runId, step, source, model, baseBits, adapter }) => {
    const own =
      runId !== null
        ? `run ${runId}${step === null ? '' : ` at step ${step}`}`
        : source === 'adapter'
          ? `adapter ${adapter ?? ''}`.trim()
          : 'base';
    const notes = [...(several ? [model] : []), ...(baseBits === '4' ? ['4 bits'] : [])];
    return notes.length === 0 ? own : `${own} (${notes.join(', ')})`;
  };
}
