import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';

/** One item as it is asked. */
export interface RulerItem {
  /** The user's message. */
  readonly input: string;
  /** The answer begins with this. */
  readonly answerPrefix: string;
  /** What the answer must name. */
  readonly outputs: readonly string[];
  /** What is asked for, in a few words, for tables. */
  readonly query: string;
  /** Where the evidence stands: start and end in `input`, in UTF-16 units; empty where it is all over the text. */
  readonly evidence: readonly (readonly [number, number])[];
}

/** Makes an item with a haystack of `size` units (words, sentences or documents), always alike for one stream. */
export type MakeItem = (size: number, random: RandomGenerator) => RulerItem;

/** How large haystacks are: where the search starts, and the largest that there is. */
export interface SizeRange {
  readonly smallest: number;
  readonly largest: number;
}

/**
 * The largest haystack whose item has at most `limit` tokens (RULER's binary search); undefined where not even the
 * smallest fits.
 */
export function largestSize(
  { smallest, largest }: SizeRange,
  limit: number,
  tokensOf: (size: number) => number,
): number | undefined {
  if (tokensOf(smallest) > limit) return undefined;
  let fits = smallest;
  // Doubling first: tokens grow with the size, and texts far over the limit are dear to count.
  let over = Math.min(smallest * 2, largest + 1);
  while (over <= largest && tokensOf(over) <= limit) {
    fits = over;
    over = Math.min(over * 2, largest + 1);
  }
  while (over - fits > 1) {
    const middle = Math.floor((fits + over) / 2);
    if (tokensOf(middle) <= limit) fits = middle;
    else over = middle;
  }
  return fits;
}
