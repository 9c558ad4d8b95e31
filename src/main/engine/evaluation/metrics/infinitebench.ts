import { strip, words } from './python-text.ts';
import { rougeScoreLsum } from './rouge-score.ts';
import { best, tokenF1 } from './token-f1.ts';

/** En.QA: F1 of the words, the best over the gold answers (OpenBMB/InfiniteBench: src/compute_scores.py). */
export function infiniteQaScore(answer: string, golds: readonly string[]): number {
  return best(golds, (gold) => tokenF1(answer, gold));
}

/** En.Sum: ROUGE-Lsum as `evaluate` computes it, without stems, the best over the gold summaries. */
export function infiniteSummaryScore(answer: string, golds: readonly string[]): number {
  return best(golds, (gold) => rougeScoreLsum(answer, gold, false).f1);
}

const PREFIXES = ['answer is:', 'answer:', 'answer is', 'option is'];

/**
 * En.MC: whether the answer names the right option by letter or text: at its start, after a phrase such as "answer is",
 * or as the first word that is a letter.
 * @param label text and letter of the right option
 */
export function infiniteChoiceRight(answer: string, label: readonly string[]): boolean {
  const text = strip(answer);
  if (text === '') return false;
  const first = String.fromCodePoint(text.codePointAt(0) ?? 0);
  if ('ABCD'.includes(first)) return label.includes(first);
  if (label.includes(text)) return true;
  const plain = text.replaceAll(/[\n"'.,?!{}]/g, ' ').replaceAll(/ {2,}/g, ' ');
  for (const prefix of PREFIXES) {
    const at = plain.indexOf(prefix);
    if (at < 0) continue;
    const rest = plain.slice(at + prefix.length + 1);
    return label.some((one) => rest.startsWith(one)) && plain.length > at + prefix.length;
  }
  const word = words(plain).find((one) => 'ABCD'.includes(one));
  return word !== undefined && label.includes(word);
}
