import { lcsIndices, lcsTable } from './lcs.ts';
import { porterStem } from './porter-stemmer.ts';

export interface Rouge {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

const NONE: Rouge = { precision: 0, recall: 0, f1: 0 };

/**
 * ROUGE-L of Google's rouge_score 0.1.2, which Hugging Face's `evaluate` and HELMET use: over the whole text.
 * @param stemmed words of more than three characters by their Porter stem (HELMET); InfiniteBench leaves them
 */
export function rougeScoreL(prediction: string, gold: string, stemmed: boolean): Rouge {
  const predicted = tokens(prediction, stemmed);
  const expected = tokens(gold, stemmed);
  if (predicted.length === 0 || expected.length === 0) return NONE;
  return ofHits(lcsTable(expected, predicted).at(-1) ?? 0, predicted.length, expected.length);
}

/** ROUGE-Lsum of the same package: sentences are lines, and each sentence of the gold text collects its union LCS. */
export function rougeScoreLsum(prediction: string, gold: string, stemmed: boolean): Rouge {
  const lines = (text: string): string[][] =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => tokens(line, stemmed));
  const predicted = lines(prediction);
  const expected = lines(gold);
  const left = [counts(predicted), counts(expected)] as const;
  let hits = 0;
  for (const sentence of expected) {
    const union = new Set(predicted.flatMap((other) => lcsIndices(sentence, other, (up, side) => side <= up)));
    for (const i of [...union].sort((a, b) => a - b)) {
      // A word counts as often as both texts have it.
      const word = sentence[i] ?? '';
      if (left.some((rest) => (rest.get(word) ?? 0) === 0)) continue;
      hits += 1;
      for (const rest of left) rest.set(word, (rest.get(word) ?? 0) - 1);
    }
  }
  const sum = (of: readonly string[][]): number => of.reduce((all, { length }) => all + length, 0);
  return sum(predicted) === 0 || sum(expected) === 0 ? NONE : ofHits(hits, sum(predicted), sum(expected));
}

function ofHits(hits: number, predicted: number, expected: number): Rouge {
  const precision = hits / predicted;
  const recall = hits / expected;
  return { precision, recall, f1: hits === 0 ? 0 : (2 * precision * recall) / (precision + recall) };
}

function counts(lines: readonly string[][]): Map<string, number> {
  const found = new Map<string, number>();
  for (const word of lines.flat()) found.set(word, (found.get(word) ?? 0) + 1);
  return found;
}

function tokens(text: string, stemmed: boolean): string[] {
  const found = text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  return stemmed ? found.map((word) => (word.length > 3 ? porterStem(word) : word)) : found;
}
