/** Pieces that a run can take in advance. */
export const RESERVED_PIECES = 10;

const GIB = 2 ** 30;
/** Largest piece in GiB: CUDA fills a tensor by a 32-bit count of its elements. */
const LARGEST = 16;
/** What a piece is smaller than its power of two, which the arena takes from the card for it. */
const SPARE = 2 ** 20;

/**
 * Cuts `bytes` of the card's memory into powers of two, largest first: the arena rounds each piece up to one. (54 GB in one
 * piece asked for 64 GiB, which were not there.)
 * @returns RESERVED_PIECES numbers of int64 elements, the last ones 0
 */
export function reservedPieces(bytes: number): readonly number[] {
  let rest = Math.ceil(bytes / GIB);
  return Array.from({ length: RESERVED_PIECES }, () => {
    if (rest <= 0) return 0;
    const size = Math.min(LARGEST, 2 ** Math.floor(Math.log2(rest)));
    rest -= size;
    return (size * GIB - SPARE) / 8;
  });
}
