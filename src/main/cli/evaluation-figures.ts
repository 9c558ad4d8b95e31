import type { EvaluationTask } from '../../shared/evaluation-tasks.ts';
import type { Estimate } from '../../shared/evaluation-tasks.ts';

/** A figure of an evaluation; `part` is '' for the main one. */
export interface Figure {
  readonly part: string;
  readonly value: Estimate;
}

/** Name of each kind's main figure in its summary. */
const mainFigure: Readonly<Record<EvaluationTask['kind'], string>> = {
  questions: 'accuracy',
  ask: 'share',
  text: 'nll',
  kl: 'kl/exact/chosen',
  ruler: 'score',
};

/** A figure with its interval from an evaluation's summary (`name`, `name/low`, `name/high`); undefined: not there. */
export function figure(summary: Readonly<Record<string, number>>, name: string): Estimate | undefined {
  const { [name]: value, [`${name}/low`]: low, [`${name}/high`]: high } = summary;
  if (value === undefined || low === undefined || high === undefined) return undefined;
  return { value, low, high, n: summary['items'] ?? 0 };
}

/** The figures of a summary that have an interval, the main one first. */
export function figuresOf(kind: EvaluationTask['kind'], summary: Readonly<Record<string, number>>): Figure[] {
  const main = mainFigure[kind];
  const names = Object.keys(summary).filter((name) => figure(summary, name) !== undefined);
  const ordered = [...names.filter((name) => name === main), ...names.filter((name) => name !== main)];
  return ordered.flatMap((name) => {
    const value = figure(summary, name);
    return value === undefined ? [] : [{ part: name === main ? '' : name, value }];
  });
}
