import type { ApiInput } from '../../../shared/api/contract.ts';

export type EvaluationSource = ApiInput<'evaluations.start'>['source'];

/** A source as a choice of the form: `model /path`, `run 3`, `run 3 12` (a checkpoint), `adapter /model\n/adapter`. */
export function valueOfSource(source: EvaluationSource): string {
  switch (source.kind) {
    case 'base':
      return `model ${source.modelDir}`;
    case 'adapter':
      return `adapter ${source.modelDir}\n${source.dir}`;
    case 'run':
      return source.checkpointId === undefined ? `run ${source.runId}` : `run ${source.runId} ${source.checkpointId}`;
  }
}

/** The other way round. */
export function sourceOfValue(value: string): EvaluationSource {
  const [kind = '', ...rest] = value.split(' ');
  const named = rest.join(' ');
  if (kind === 'model') return { kind: 'base', modelDir: named };
  if (kind === 'adapter') {
    const [modelDir = '', dir = ''] = named.split('\n');
    return { kind: 'adapter', modelDir, dir };
  }
  const [run, checkpoint] = rest;
  return { kind: 'run', runId: Number(run), ...(checkpoint === undefined ? {} : { checkpointId: Number(checkpoint) }) };
}
