import { uniformFloat32 } from 'pure-rand/distribution/uniformFloat32';
import { randomStream } from '../random.ts';

/**
 * Uniform numbers in [0, 1) for the sampling steps of one sequence, one a token. They depend on seed and key only, never on
 * the batch a sequence is decoded in, so a job that is cut and resumed draws the same ones.
 */
export function uniformsFor(seed: number, key: string, count: number): Float32Array {
  const random = randomStream(seed, 'sampling', key);
  return Float32Array.from({ length: count }, () => uniformFloat32(random));
}
