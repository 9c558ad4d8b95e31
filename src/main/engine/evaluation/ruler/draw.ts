import { uniformInt } from 'pure-rand/distribution/uniformInt';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';

/** One of the items. */
export function pick<T>(items: readonly T[], random: RandomGenerator): T {
  if (items.length === 0) throw new Error('There is nothing to pick from.');
  return items[uniformInt(random, 0, items.length - 1)] as T; // the index is inside
}

/** `count` different items in random order (Python's random.sample). */
export function sample<T>(items: readonly T[], count: number, random: RandomGenerator): T[] {
  if (count > items.length) throw new Error(`${count} of ${items.length} items were asked for.`);
  const moved = new Map<number, T>();
  const at = (i: number): T => moved.get(i) ?? (items[i] as T); // i < length
  return Array.from({ length: count }, (_, i) => {
    const j = uniformInt(random, i, items.length - 1);
    const drawn = at(j);
    moved.set(j, at(i));
    return drawn;
  });
}

/** `count` different whole numbers below `below`, ascending. */
export function sampleIndices(below: number, count: number, random: RandomGenerator): number[] {
  return sample(
    Array.from({ length: below }, (_, i) => i),
    count,
    random,
  ).sort((a, b) => a - b);
}

/** A word of random letters. */
export function letters(alphabet: string, length: number, random: RandomGenerator): string {
  return Array.from({ length }, () => pick([...alphabet], random)).join('');
}
