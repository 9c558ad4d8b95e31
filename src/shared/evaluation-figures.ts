import type { EvaluationRow } from './evaluations.ts';
import type { Estimate } from './evaluation-tasks.ts';

/** A figure of an evaluation; `part` is '' for the main one. */
export interface Figure {
  readonly part: string;
  readonly value: Estimate;
}

/** The figure that stands for an evaluation in a table: its name in the summary, unit, and what is better. */
export interface HeadlineInfo {
  readonly figure: string;
  readonly label: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
}

const share: Pick<HeadlineInfo, 'unit' | 'better'> = { unit: 'share', better: 'higher' };
const nats: Pick<HeadlineInfo, 'unit' | 'better'> = { unit: 'nats/token', better: 'lower' };

/** By the kind of task. */
const headlines: Readonly<Record<string, HeadlineInfo>> = {
  questions: { figure: 'accuracy', label: 'accuracy', ...share },
  ask: { figure: 'share', label: 'answerable questions', ...share },
  text: { figure: 'nll', label: 'NLL', ...nats },
  ruler: { figure: 'score', label: 'RULER score', ...share },
  multiple_choice: { figure: 'acc', label: 'accuracy', ...share },
  published: { figure: 'score', label: 'score', ...share },
  judged: { figure: 'rating', label: 'rating', unit: '1 to 10', better: 'higher' },
  kl: { figure: 'kl/exact/chosen', label: 'exact KL, chosen', ...nats },
};

/** What stands for an evaluation of this kind; undefined for kinds without one figure. */
export function headlineOf(kind: string): HeadlineInfo | undefined {
  return Object.hasOwn(headlines, kind) ? headlines[kind] : undefined;
}

/** An evaluation's headline with its interval (low and high are NaN where there is none); undefined until it is finished. */
export function headlineValue({ kind, summary, items }: EvaluationRow): Estimate | undefined {
  const info = headlineOf(kind);
  const value = info === undefined ? undefined : summary?.[info.figure];
  if (info === undefined || value === undefined) return undefined;
  const bound = (end: 'low' | 'high'): number => summary?.[`${info.figure}/${end}`] ?? Number.NaN;
  return { value, low: bound('low'), high: bound('high'), n: items };
}

/** A figure with its interval from an evaluation's summary (`name`, `name/low`, `name/high`); undefined: not there. */
function figure(summary: Readonly<Record<string, number>>, name: string): Estimate | undefined {
  const { [name]: value, [`${name}/low`]: low, [`${name}/high`]: high } = summary;
  if (value === undefined || low === undefined || high === undefined) return undefined;
  return { value, low, high, n: summary['items'] ?? 0 };
}

/** The figures of a summary that have an interval, the headline first. */
export function figuresOf(kind: string, summary: Readonly<Record<string, number>>): Figure[] {
  const main = headlineOf(kind)?.figure;
  const names = Object.keys(summary);
  const ordered = [...names.filter((name) => name === main), ...names.filter((name) => name !== main)];
  return ordered.flatMap((name) => {
    const value = figure(summary, name);
    return value === undefined ? [] : [{ part: name === main ? '' : name, value }];
  });
}

/** Evaluations of the same questions: a set by its content and kind. */
export interface EvaluatedSet {
  readonly key: string;
  readonly name: string;
  readonly kind: string;
  /** Finished evaluations, oldest first. */
  readonly rows: readonly EvaluationRow[];
}

/** Finished evaluations grouped by set, in the order in which the sets were first used. */
export function setsOf(rows: readonly EvaluationRow[]): EvaluatedSet[] {
  const sets = new Map<string, EvaluationRow[]>();
  for (const row of rows) {
    if (row.status !== 'finished') continue;
    const key = `${row.kind} ${row.setSha256}`;
    sets.set(key, [...(sets.get(key) ?? []), row]);
  }
  return [...sets].map(([key, list]) => ({
    key,
    name: list.at(-1)?.setName ?? '',
    kind: list[0]?.kind ?? '',
    rows: list,
  }));
}
