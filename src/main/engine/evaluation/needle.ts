import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { randomStream, shuffled } from '../random.ts';
import { wilson } from '../../../shared/wilson.ts';
import type { Estimate } from '../../../shared/evaluation-tasks.ts';
import type { QuestionAnswer } from './question-scoring.ts';

export interface NeedleGrid {
  /** Tokens of the context (the prompt is longer by question and template). */
  readonly lengths: readonly number[];
  /** Place of the needle, 0 = start, 1 = end. */
  readonly depths: readonly number[];
  readonly itemsPerCell: number;
  readonly seed: number;
}

/** A question whose answer stands in one sentence of a long text; scored with the rule `contains`. */
export interface NeedleItem {
  readonly context: string;
  readonly question: string;
  readonly answer: string;
  readonly depth: number;
  /** As asked for, and as it came out: at most that, unless the needle alone is longer. */
  readonly length: number;
  readonly contextTokens: number;
}

/** One cell of the heat map. */
export interface NeedleCell {
  readonly length: number;
  readonly depth: number;
  readonly accuracy: Estimate;
}

/** Sentences that say nothing about the needle; shuffled anew for every round of the haystack. */
const FILLER: readonly string[] = [
  'The path along the river was muddy after a week of rain.',
  'Most of the shops on the square open at nine.',
  'A tall clock stands between the library and the post office.',
  'The bakery sells its last loaves before noon.',
  'Two ferries cross the bay every hour in summer.',
  'The old bridge was painted green in spring.',
  'Children fly kites on the hill when the wind is steady.',
  'The museum keeps its oldest maps in a dark room.',
  'A small orchard lies behind the school.',
  'The harbour lights are switched on at dusk.',
  'Farmers bring their cheese to the market on Thursdays.',
  'The train to the coast is seldom late.',
  'Snow stays on the northern slope until April.',
  'The choir rehearses in the town hall.',
  'A stone wall runs around the garden of the inn.',
  'The bookshop moved to a narrow lane near the church.',
  'Cyclists rest at the fountain on their way uphill.',
  'The lake is deep and cold, even in August.',
  'An engineer inspects the dam twice a year.',
  'The theatre shows a new play every autumn.',
];
const SUBJECTS: readonly string[] =
  'amber anchor barrel beacon candle canvas copper coral ember falcon garnet hazel indigo ivory jasper lantern linen maple marble meadow nickel olive onyx pepper quartz raven saffron silver timber velvet walnut willow'.split(
    ' ',
  );

/**
 * Items of a needle-in-a-haystack grid (Kamradt 2023; the sentence follows RULER's number task, Hsieh et al. 2024), in
 * the order lengths, depths, repetitions. The needle stands between two sentences.
 * @param countTokens tokens of a text on its own
 */
export function needleItems(grid: NeedleGrid, countTokens: (text: string) => number): NeedleItem[] {
  const items: NeedleItem[] = [];
  for (const length of grid.lengths) {
    for (const depth of grid.depths) {
      for (let repetition = 0; repetition < grid.itemsPerCell; repetition += 1) {
        items.push(
          needleItem(length, depth, randomStream(grid.seed, 'needle', length, depth, repetition), countTokens),
        );
      }
    }
  }
  return items;
}

/** Share of right answers in each cell of the grid. */
export function needleCells(items: readonly NeedleItem[], answers: readonly QuestionAnswer[]): NeedleCell[] {
  const cells = new Map<string, { length: number; depth: number; right: number; asked: number }>();
  for (const { index, correct } of answers) {
    const item = items[index];
    if (item === undefined) throw new Error(`There is no needle item ${index}.`);
    const key = `${item.length}/${item.depth}`;
    const cell = cells.get(key) ?? { length: item.length, depth: item.depth, right: 0, asked: 0 };
    cell.asked += correct === null ? 0 : 1;
    cell.right += correct === true ? 1 : 0;
    cells.set(key, cell);
  }
  return [...cells.values()].map(({ length, depth, right, asked }) => ({
    length,
    depth,
    accuracy: wilson(right, asked),
  }));
}

function needleItem(
  length: number,
  depth: number,
  random: ReturnType<typeof randomStream>,
  countTokens: (text: string) => number,
): NeedleItem {
  const subject = SUBJECTS[uniformInt(random, 0, SUBJECTS.length - 1)] ?? '';
  const answer = String(uniformInt(random, 1_000_000, 9_999_999));
  const needle = `The special magic number for ${subject} is ${answer}.`;
  const room = length - countTokens(` ${needle}`);
  const sentences: string[] = [];
  const tokens: number[] = [];
  let total = 0;
  for (let round = shuffled(FILLER, random); ;) {
    const next = round.pop();
    if (next === undefined) {
      round = shuffled(FILLER, random);
      continue;
    }
    const count = countTokens(` ${next}`);
    if (total + count > room) break;
    sentences.push(next);
    tokens.push(count);
    total += count;
  }
  // The boundary whose share of the tokens before it is nearest to the depth.
  let before = 0;
  let place = 0;
  let best = Math.abs(depth);
  for (const [i, count] of tokens.entries()) {
    before += count;
    const distance = Math.abs(before / total - depth);
    if (distance < best) {
      best = distance;
      place = i + 1;
    }
  }
  const context = [...sentences.slice(0, place), needle, ...sentences.slice(place)].join(' ');
  return {
    context,
    question: `What is the special magic number for ${subject} mentioned in the text above? Answer with the number only.`,
    answer,
    depth,
    length,
    contextTokens: countTokens(context),
  };
}
