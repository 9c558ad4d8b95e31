import { hasScore } from '../../../shared/evaluations.ts';
import type { EvaluationItem } from '../../../shared/evaluations.ts';

/** What became of an item against the baseline. */
export type Change = 'won' | 'lost' | 'same' | 'not comparable';

/** One item of a set as several models answered it, in the order in which they are compared; the first is the baseline. */
export interface AnsweredItem {
  readonly index: number;
  readonly question: string;
  readonly expected: string;
  /** Undefined where a model has not answered it (yet). */
  readonly answers: readonly (EvaluationItem | undefined)[];
  /** Of each model; the baseline's own is `same`. */
  readonly changes: readonly Change[];
}

function changeOf(
  base: EvaluationItem | undefined,
  other: EvaluationItem | undefined,
  better: 'higher' | 'lower',
): Change {
  if (base === undefined || other === undefined || !hasScore(base) || !hasScore(other)) return 'not comparable';
  const gain = better === 'higher' ? other.score - base.score : base.score - other.score;
  return gain > 0 ? 'won' : gain < 0 ? 'lost' : 'same';
}

/** Answers of evaluations of one set, by item. */
export function sideBySide(
  evaluations: readonly (readonly EvaluationItem[])[],
  better: 'higher' | 'lower' = 'higher',
): readonly AnsweredItem[] {
  const byIndex = evaluations.map((items) => new Map(items.map((item) => [item.index, item])));
  const first = new Map(evaluations.flat().map((item) => [item.index, item]));
  return [...first.values()]
    .sort((a, b) => a.index - b.index)
    .map(({ index, question, expected }) => {
      const answers = byIndex.map((items) => items.get(index));
      const changes = answers.map((answer, i) => (i === 0 ? 'same' : changeOf(answers[0], answer, better)));
      return { index, question, expected, answers, changes };
    });
}

export type ItemFilter = 'all' | 'flipped' | 'won' | 'lost';

/** Whether an item is among those asked for; `arm` = the model that counts, null = any but the baseline. */
export function passes({ changes }: AnsweredItem, filter: ItemFilter, arm: number | null): boolean {
  if (filter === 'all') return true;
  const counted = arm === null ? changes.slice(1) : changes.slice(arm, arm + 1);
  return counted.some((change) => (filter === 'flipped' ? change === 'won' || change === 'lost' : change === filter));
}
