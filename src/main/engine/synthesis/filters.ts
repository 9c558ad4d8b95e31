import { pairFilterIds } from '../../../shared/pair-filters.ts';
import type { PairFilterId } from '../../../shared/pair-filters.ts';
import type { PairFilterModes, PairFilterThresholds } from '../../../shared/synthesis-config.ts';
import { isRefusal } from './refusals.ts';

/** A generated pair as the filters see it. */
export interface FilterSubject {
  readonly chunk: string;
  readonly question: string;
  readonly chosen: string;
  readonly rejected: string;
  readonly chosenFinish: 'stop' | 'length';
  readonly rejectedFinish: 'stop' | 'length';
  /** Tokens of the question and of the chosen answer alone, without end token. */
  readonly questionTokens: number;
  readonly chosenTokens: number;
  /** Tokens of the longer of the two short sequences: prompt with the chunk, answer, end token. */
  readonly shortTokens: number;
}

/** True where the pair is bad; the rules are described in shared/pair-filters.ts. */
const tests: Record<PairFilterId, (pair: FilterSubject, thresholds: PairFilterThresholds) => boolean> = {
  empty_answer: (pair) => pair.chosen.trim() === '' || pair.rejected.trim() === '',
  not_ended: (pair) => pair.chosenFinish === 'length' || pair.rejectedFinish === 'length',
  refusal: (pair) => isRefusal(pair.chosen) || isRefusal(pair.rejected),
  repetition: (pair, thresholds) =>
    repetitionRatio(pair.chosen) > thresholds.maxRepetitionChosen ||
    repetitionRatio(pair.rejected) > thresholds.maxRepetitionRejected,
  few_words: (pair, thresholds) =>
    [pair.chosen, pair.rejected].some((answer) => longWords(answer, thresholds.wordLetters) < thresholds.minWords),
  question_too_short: (pair, thresholds) => pair.questionTokens < thresholds.minQuestionTokens,
  chosen_too_short: (pair, thresholds) => pair.chosenTokens < thresholds.minChosenTokens,
  short_too_long: (pair, thresholds) => pair.shortTokens > thresholds.maxShortTokens,
  identical: (pair) => pair.chosen === pair.rejected,
  not_in_chunk: (pair) => !pair.chunk.includes(pair.chosen.trim()),
};

export interface FilterVerdict {
  /** Filters that drop the pair; empty: it is kept. */
  readonly drop: readonly PairFilterId[];
  /** Filters that only mark it. */
  readonly flags: readonly PairFilterId[];
}

/** Runs every filter that is on. */
export function filterPair(
  pair: FilterSubject,
  modes: PairFilterModes,
  thresholds: PairFilterThresholds,
): FilterVerdict {
  const hits = pairFilterIds.filter((id) => modes[id] !== 'off' && tests[id](pair, thresholds));
  return { drop: hits.filter((id) => modes[id] === 'drop'), flags: hits.filter((id) => modes[id] === 'flag') };
}

/** Share of a text's words that occur more than once in it, 0 for no words (LongPO's postprocess_longpo_pair.py). */
export function repetitionRatio(text: string): number {
  const words = wordsOf(text);
  if (words.length === 0) return 0;
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  let repeated = 0;
  for (const count of counts.values()) if (count > 1) repeated += count;
  return repeated / words.length;
}

function longWords(text: string, letters: number): number {
  return wordsOf(text).filter((word) => [...word].length >= letters).length;
}

/** Lower-case words without punctuation. */
function wordsOf(text: string): string[] {
  return text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}_\s]/gu, '')
    .split(/\s+/)
    .filter((word) => word !== '');
}
