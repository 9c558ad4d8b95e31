import { createHash } from 'node:crypto';
import { uniformFloat32 } from 'pure-rand/distribution/uniformFloat32';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';

/**
 * A generator of its own for each seed and label (`randomStream(7, 'order', epoch)`), independent of every other:
 * the state is taken from SHA-256, because neighbouring seeds of xoroshiro128+ start alike.
 */
export function randomStream(seed: number, ...labels: (string | number)[]): RandomGenerator {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, ...labels]))
    .digest();
  return xoroshiro128plusFromState([0, 4, 8, 12].map((offset) => digest.readInt32LE(offset)));
}

/** A shuffled copy (Fisher-Yates). */
export function shuffled<T>(items: readonly T[], random: RandomGenerator): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i -= 1) {
    const j = uniformInt(random, 0, i);
    const held = result[i] as T; // 0 <= j <= i < length
    result[i] = result[j] as T;
    result[j] = held;
  }
  return result;
}

/**
 * Uniform numbers in [0, 1) for the sampling steps of one sequence, one a token. They depend on seed and key only, never on
 * the batch a sequence is decoded in, so a job that is cut and resumed draws the same ones.
 */
export function uniformsFor(seed: number, key: string, count: number): Float32Array {
  const random = randomStream(seed, 'sampling', key);
  return Float32Array.from({ length: count }, () => uniformFloat32(random));
}
