import type { RunConfig } from '../../../shared/run-config.ts';
import type { Program } from '../resident/resident-graph.ts';

/** The programs that a run needs. */
export function trainingPrograms({ objective }: Pick<RunConfig, 'objective'>, heldOut: boolean): readonly Program[] {
  const programs: Program[] = ['score', 'gradients'];
  if (heldOut) programs.push('logProbabilities');
  if (objective === 'opsdl') programs.push('generate');
  return programs;
}
