import type { EvaluationItem } from '../../../shared/evaluations.ts';

/** One item of a set as two models answered it; the second is missing where only one is looked at. */
export interface AnsweredItem {
  readonly index: number;
  readonly question: string;
  readonly expected: string;
  readonly first: EvaluationItem | undefined;
  readonly second: EvaluationItem | undefined;
  readonly change: Change;
}

/** What became of an item from the first model to the second. */
export type Change = 'became right' | 'became wrong' | 'both right' | 'both wrong' | 'not comparable';
export const changes: readonly Change[] = [
  'became right',
  'became wrong',
  'both right',
  'both wrong',
  'not comparable',
];

/** An item that did not fit into the model has no score. */
export function hasScore({ detail }: EvaluationItem): boolean {
  return !(typeof detail === 'object' && detail !== null && 'finish' in detail && detail['finish'] === 'too_long');
}

function changeOf(first: EvaluationItem | undefined, second: EvaluationItem | undefined): Change {
  if (first === undefined || second === undefined || !hasScore(first) || !hasScore(second)) return 'not comparable';
  const [before, after] = [first.score === 1, second.score === 1];
  if (before === after) return before ? 'both right' : 'both wrong';
  return after ? 'became right' : 'became wrong';
}

/** Answers of two evaluations of one set, by item. */
export function sideBySide(
  first: readonly EvaluationItem[],
  second: readonly EvaluationItem[],
): readonly AnsweredItem[] {
  const others = new Map(second.map((item) => [item.index, item]));
  const rows = first.map((item) => ({ item, first: item, second: others.get(item.index) }));
  const seen = new Set(first.map(({ index }) => index));
  const rest = second.filter(({ index }) => !seen.has(index)).map((item) => ({ item, first: undefined, second: item }));
  return [...rows, ...rest]
    .map(({ item: { index, question, expected }, ...answers }) => ({
      ...{ index, question, expected, ...answers },
      change: changeOf(answers.first, answers.second),
    }))
    .sort((a, b) => a.index - b.index);
}
