import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { shuffled } from '../../random.ts';
import { fill, rulerTemplates } from './definitions.ts';
import { letters, sample } from './draw.ts';
import type { MakeItem } from './item.ts';
import type { Words } from './words.ts';

const COMMON = 10;

/**
 * Common words (scripts/data/synthetic/common_words_extraction.py): ten words stand 30 times in a numbered list and all
 * others three times (6 and 1 below 4,096 tokens), after one worked example.
 * @param length tokens that are asked for
 */
export function commonWordsTask(words: Words, length: number): MakeItem {
  const short = length < 4096;
  const { template, answerPrefix } = rulerTemplates.commonWords;
  return (size, random) => {
    const example = short ? wordList(words, 20, 3, 1, random) : wordList(words, 40, 10, 3, random);
    const item = short ? wordList(words, size, 6, 1, random) : wordList(words, size, 30, 3, random);
    const lead = `${fill(template, { context: example.context })}${answerPrefix} ${numbered(example.common)}\n`;
    return {
      ...{ input: lead + fill(template, { context: item.context }), answerPrefix, outputs: item.common, evidence: [] },
      query: 'ten most common words',
    };
  };
}

function wordList(words: Words, count: number, often: number, seldom: number, random: RandomGenerator) {
  const drawn = sample(words.all, count, random);
  const common = drawn.slice(0, COMMON);
  const list = drawn.flatMap((word, i) => Array.from({ length: i < COMMON ? often : seldom }, () => word));
  return { common, context: numbered(shuffled(list, random)) };
}

function numbered(words: readonly string[]): string {
  return words.map((word, i) => `${i + 1}. ${word}`).join(' ');
}

const ALPHA = 2;
/** Riemann's zeta of `ALPHA`. */
const ZETA = Math.PI ** 2 / 6;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/**
 * Frequent words (scripts/data/synthetic/freq_words_extraction.py): coded words of six letters, as often as Zipf's law
 * with exponent 2 says; the most frequent one is written as dots and the next three are asked for.
 * @param length tokens that are asked for
 */
export function frequentWordsTask(length: number): MakeItem {
  const { template, answerPrefix, tokensToGenerate } = rulerTemplates.frequentWords;
  const vocabularySize = Math.max(Math.floor((length - tokensToGenerate) / 50), 4);
  return (size, random) => {
    const coded = new Set<string>();
    while (coded.size < vocabularySize) coded.add(letters(LETTERS, 6, random));
    const vocabulary = ['...', ...[...coded].slice(1)];
    const list = vocabulary.flatMap((word, i) =>
      Array.from({ length: Math.floor((size * (i + 1) ** -ALPHA) / ZETA) }, () => word),
    );
    return {
      ...{ input: fill(template, { context: shuffled(list, random).join(' ') }), answerPrefix, evidence: [] },
      ...{ outputs: vocabulary.slice(1, 4), query: 'three most frequent words' },
    };
  };
}
