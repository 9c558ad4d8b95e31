import { normaliseAnswer, words } from './python-text.ts';

/** F1 of the words of two normalised texts as multisets (SQuAD; LongBench's and InfiniteBench's qa_f1_score). */
export function tokenF1(prediction: string, gold: string): number {
  const predicted = words(normaliseAnswer(prediction));
  const expected = words(normaliseAnswer(gold));
  const counts = new Map<string, number>();
  for (const word of expected) counts.set(word, (counts.get(word) ?? 0) + 1);
  let same = 0;
  for (const word of predicted) {
    const left = counts.get(word) ?? 0;
    if (left === 0) continue;
    counts.set(word, left - 1);
    same += 1;
  }
  if (same === 0) return 0;
  const precision = same / predicted.length;
  const recall = same / expected.length;
  return (2 * precision * recall) / (precision + recall);
}

/** The best score over several gold answers; 0 where there are none. */
export function best(golds: readonly string[], score: (gold: string) => number): number {
  return golds.reduce((most, gold) => Math.max(most, score(gold)), 0);
}
