import type { EvaluationRow } from '../../../shared/evaluations.ts';
import { figuresOf, headlineOf } from '../../../shared/evaluation-figures.ts';
import type { Estimate } from '../../../shared/evaluation-tasks.ts';
import { formatContextLength } from '../../components/format.ts';

/** A figure below a set's headline. */
export interface ResultPart {
  /** Its name in the summary. */
  readonly name: string;
  readonly label: string;
  /** Shown at once; the others on request. */
  readonly foremost: boolean;
}

/** The figures of these evaluations of one set besides the headline; lengths first, in order. Cells of a heat map are not among them. */
export function partsOf(rows: readonly Pick<EvaluationRow, 'kind' | 'summary'>[]): readonly ResultPart[] {
  const names = [
    ...new Set(
      rows.flatMap(({ kind, summary }) => (summary === null ? [] : figuresOf(kind, summary).map(({ part }) => part))),
    ),
  ].filter((name) => name !== '' && !/^score\/\d+\/[\d.e-]+$/.test(name));
  const length = (name: string): number => Number(/^score\/(\d+)$/.exec(name)?.[1] ?? Infinity);
  const lengths = names.filter((name) => Number.isFinite(length(name)));
  return names
    .filter((name) => !(lengths.length === 1 && lengths.includes(name)))
    .sort((a, b) => (length(a) === length(b) ? 0 : length(a) - length(b)))
    .map((name) => ({ name, label: labelOfPart(name), foremost: lengths.includes(name) }));
}

function labelOfPart(name: string): string {
  const length = /^score\/(\d+)$/.exec(name)?.[1];
  if (length !== undefined) return `${formatContextLength(Number(length))} tokens`;
  const quarter = /^accuracy\/quarter_(\d)$/.exec(name)?.[1];
  if (quarter !== undefined) return `fact in quarter ${quarter} of the text`;
  return name.replaceAll('_', ' ').replaceAll('/', ', ');
}

/** A figure of an evaluation; undefined where it has none of this name. The headline's name is ''. */
export function partValue(
  { kind, summary }: Pick<EvaluationRow, 'kind' | 'summary'>,
  name: string,
): Estimate | undefined {
  return summary === null ? undefined : figuresOf(kind, summary).find(({ part }) => part === name)?.value;
}

/** Whether a figure of this name is a share: those of shares are, but for means that are no share. */
export function isShare(kind: string): boolean {
  return headlineOf(kind)?.unit === 'share';
}
