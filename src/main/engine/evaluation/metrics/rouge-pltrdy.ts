import { lcsIndices } from './lcs.ts';
import { words } from './python-text.ts';

/**
 * ROUGE-L F as LongBench computes it, with the Python package `rouge` 1.0.1: sentences end at full stops, words are
 * split at spaces as they are, and everything counts as a set of words. 0 where either text has no sentence.
 * Unlike the package, which recurses and gives up on sentences of about 1,000 words (LongBench counts 0 then), long
 * sentences are scored too.
 */
export function rougeL(prediction: string, gold: string): number {
  const predicted = sentences(prediction);
  const expected = sentences(gold);
  if (predicted.length === 0 || expected.length === 0) return 0;
  const union = new Set<string>();
  for (const sentence of expected) {
    for (const other of predicted) {
      for (const i of lcsIndices(sentence, other, (up, left) => up > left)) union.add(sentence[i] ?? '');
    }
  }
  const recall = union.size / new Set(expected.flat()).size;
  const precision = union.size / new Set(predicted.flat()).size;
  return 2 * ((precision * recall) / (precision + recall + 1e-8));
}

/** A sentence of spaces alone is one empty word, as ''.split(' ') gives it. */
function sentences(text: string): string[][] {
  return text
    .split('.')
    .filter((part) => part !== '')
    .map((part) => {
      const found = words(part);
      return found.length === 0 ? [''] : found;
    });
}
