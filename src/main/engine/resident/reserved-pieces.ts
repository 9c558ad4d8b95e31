/** Pieces that a run can take in advance. */
export const RESERVED_PIECES = 12;

const GIB = 2 ** 30;
/** Largest piece in GiB: CUDA fills a tensor by a 32-bit count of its elements. */
const LARGEST = 16;
/** What a piece is smaller than its power of two, which the arena takes from the card for it. */
const SPARE = 2 ** 20;

/**
 * Cuts `bytes` of the card's memory into powers of two, the larger ones twice. The arena (kNextPowerOfTwo) rounds a request up
 * to the piece that it took last, doubled until it is enough; where it need not be doubled, the piece after that is 1 GiB again.
 * So the piece that follows a large one is as large, whatever was asked for, and what comes later is small. None is of 1 GiB:
 * a block of scores is larger, and would not fit.
 * @returns RESERVED_PIECES numbers of int64 elements, the last ones 0; at most 96 GiB
 */
export function reservedPieces(bytes: number): readonly number[] {
  let rest = 2 * Math.ceil(bytes / (2 * GIB));
  const sizes: number[] = [];
  const add = (size: number, times: number): void => {
    for (; rest >= size * times; rest -= size * times) sizes.push(...new Array<number>(times).fill(size));
  };
  for (let size = LARGEST; size > 2; size /= 2) add(size, 2);
  add(2, 1);
  return Array.from({ length: RESERVED_PIECES }, (_, i) => {
    const size = sizes[i];
    return size === undefined ? 0 : (size * GIB - SPARE) / 8;
  });
}
