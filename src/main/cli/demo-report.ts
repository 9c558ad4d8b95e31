import type { Estimate } from '../../shared/evaluation-tasks.ts';
import { bytes, counted, duration, estimate, whole } from './format.ts';
import { textTable } from './text-table.ts';

/** The demo's measures in the order of its table. */
export const demoMeasures = [
  { key: 'short', label: 'short QA', unit: 'share', better: 'higher', by: 'questions' },
  { key: 'long', label: 'long QA', unit: 'share', better: 'higher', by: 'questions' },
  { key: 'closed', label: 'closed book', unit: 'share', better: 'higher', by: 'questions' },
  { key: 'ask', label: 'ask', unit: 'share', better: 'higher', by: 'questions' },
  { key: 'text', label: 'text NLL', unit: 'nats/token', better: 'lower', by: 'texts' },
  { key: 'kl', label: 'KL to reference', unit: 'nats/token', better: 'lower', by: 'pairs' },
] as const satisfies readonly {
  key: string;
  label: string;
  unit: string;
  better: 'higher' | 'lower';
  /** What the figure is taken over. */
  by: string;
}[];
export type DemoMeasure = (typeof demoMeasures)[number]['key'];

/** One model's figures with their 95% intervals. */
export interface MeasuredModel {
  readonly name: string;
  readonly values: Readonly<Record<DemoMeasure, Estimate | null>>;
}

/** Two models on one measure: `other` minus `first`, paired over the items. */
export interface MeasuredDifference {
  readonly first: string;
  readonly other: string;
  readonly measure: DemoMeasure;
  readonly difference: Estimate;
}

/** A row a measure, a column a model. */
export function measuresTable(models: readonly MeasuredModel[]): string {
  return textTable(
    [
      { header: 'measure' },
      ...models.map(({ name }) => ({ header: name, align: 'right' as const })),
      { header: 'items', align: 'right' },
      { header: 'unit' },
    ],
    demoMeasures.map(({ key, label, unit, better }) => [
      label,
      ...models.map(({ values }) => estimate(values[key])),
      whole(models[0]?.values[key]?.n),
      `${unit}, ${better} is better`,
    ]),
  );
}

type Verdict = 'first' | 'other' | 'none';

/** Which of two models is better on a measure; none where the interval of their difference includes 0. */
export function verdictOf({ measure, difference }: MeasuredDifference): Verdict {
  const { low, high } = difference;
  if (!(low > 0) && !(high < 0)) return 'none';
  const higher = low > 0 ? 'other' : 'first';
  const lower = higher === 'other' ? 'first' : 'other';
  return demoMeasures.find(({ key }) => key === measure)?.better === 'higher' ? higher : lower;
}

/**
 * What the figures say about two models: measure by measure, then in words, questions apart from the rest. `settings` are
 * the settings in which two runs differ: where there are several, no figure can say which of them made a difference.
 */
export function comparisonText(
  differences: readonly MeasuredDifference[],
  settings: readonly SettingDifference[] = [],
): string {
  const [head] = differences;
  if (head === undefined) return '';
  const { first, other } = head;
  const table = textTable(
    [{ header: 'measure' }, { header: `${other} - ${first} [95% interval]`, align: 'right' }, { header: 'so' }],
    differences.map((row) => [measureOf(row.measure).label, estimate(row.difference), finding(row)]),
  );
  const isQuestion = ({ measure }: MeasuredDifference): boolean => measureOf(measure).by === 'questions';
  return [
    table,
    sentence('Answers', differences.filter(isQuestion)),
    sentence(
      'Likelihoods',
      differences.filter((row) => !isQuestion(row)),
    ),
    ...(settings.length === 0
      ? []
      : [`Settings that differ, ${first} and ${other}: ${settings.map(settingText).join('; ')}.`]),
    ...(settings.length > 1 ? ['Which of these settings makes a difference, these figures cannot say.'] : []),
  ]
    .filter((line) => line !== '')
    .join('\n');
}

/** A setting in which two runs differ. */
export interface SettingDifference {
  readonly field: string;
  readonly first: unknown;
  readonly other: unknown;
}

function settingText({ field, first, other }: SettingDifference): string {
  return `${field} ${String(first)} and ${String(other)}`;
}

/** The fields in which two objects differ. */
export function settingDifferences(
  first: Readonly<Record<string, unknown>>,
  other: Readonly<Record<string, unknown>>,
): SettingDifference[] {
  return Object.keys(first)
    .filter((field) => JSON.stringify(first[field]) !== JSON.stringify(other[field]))
    .map((field) => ({ field, first: plain(first[field]), other: plain(other[field]) }));
}

function plain(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
}

function finding(row: MeasuredDifference): string {
  const verdict = verdictOf(row);
  if (verdict === 'none') return `no difference that these ${measureOf(row.measure).by} can show`;
  return `${row[verdict]} is better`;
}

/** One sentence about a group of measures. */
function sentence(group: string, rows: readonly MeasuredDifference[]): string {
  const [head] = rows;
  if (head === undefined) return '';
  const { first, other } = head;
  const labels = (verdict: Verdict): string =>
    rows
      .filter((row) => verdictOf(row) === verdict)
      .map((row) => measureOf(row.measure).label)
      .join(', ');
  const better = (['first', 'other'] as const).flatMap((verdict) =>
    labels(verdict) === '' ? [] : [`${head[verdict]} is better on ${labels(verdict)}`],
  );
  const none = labels('none');
  if (better.length === 0) return `${group}: these figures show no difference between ${first} and ${other}.`;
  return `${group}: ${[...better, ...(none === '' ? [] : [`no difference shown on ${none}`])].join('; ')}.`;
}

function measureOf(key: DemoMeasure): (typeof demoMeasures)[number] {
  const found = demoMeasures.find((measure) => measure.key === key);
  if (found === undefined) throw new Error(`no measure ${key}`);
  return found;
}

interface DemoFacts {
  readonly folder: string;
  readonly seed: number;
  readonly documents: number;
  readonly counts: { readonly pairs: number; readonly identical: number };
  readonly runs: readonly {
    readonly name: string;
    readonly runId: number;
    readonly steps: number;
    readonly tokens: number;
  }[];
  readonly phases: readonly { readonly name: string; readonly seconds: number }[];
  readonly seconds: number;
  readonly peakBytes: { readonly engine: number; readonly main: number };
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[];
}

/** What was done, how long it took and where it is. */
export function demoFacts(report: DemoFacts): string {
  const { peakBytes, phases, seconds, checks } = report;
  const times = textTable(
    [{ header: 'phase' }, { header: 'wall time', align: 'right' }],
    [...phases.map((phase) => [phase.name, duration(phase.seconds)]), ['all', duration(seconds)]],
  );
  const made = `${counted(report.documents, 'document')}, ${counted(report.counts.pairs, 'pair')} (${whole(report.counts.identical)} with identical answers), seed ${report.seed}`;
  const runs = report.runs.map(
    ({ name, runId, steps, tokens }) => `run ${runId} (${name}): ${whole(steps)} steps, ${whole(tokens)} tokens read`,
  );
  const memory = `Peak memory: ${bytes(peakBytes.engine + peakBytes.main)} (engine ${bytes(peakBytes.engine)}, rest ${bytes(peakBytes.main)})`;
  return [
    [made, ...runs].join('\n'),
    times,
    checks.map(({ name, ok, detail }) => `${ok ? 'passed' : 'FAILED'} ${name}: ${detail}`).join('\n'),
    [memory, `Workspace: ${report.folder}`].join('\n'),
  ].join('\n\n');
}
