import { expect, it } from 'vitest';
import { RESERVED_PIECES, reservedPieces } from '../../../../src/main/engine/resident/reserved-pieces.ts';

const GIB = 2 ** 30;
/** What the arena takes from the card for each piece: the next power of two. */
const taken = (bytes: number): number[] =>
  reservedPieces(bytes).map((length) => (length === 0 ? 0 : 2 ** Math.ceil(Math.log2(8 * length)) / GIB));

it('cuts memory into powers of two, the largest first', () => {
  expect(taken(0)).toEqual(new Array<number>(RESERVED_PIECES).fill(0));
  expect(taken(1)).toEqual([1, ...new Array<number>(RESERVED_PIECES - 1).fill(0)]);
  expect(taken(54e9)).toEqual([16, 16, 16, 2, 1, 0, 0, 0, 0, 0]);
});

it('takes what was asked for, up to a GiB more, in pieces that a 32-bit count can fill', () => {
  for (let gib = 1; gib <= 100; gib += 0.7) {
    const pieces = taken(gib * GIB);
    expect(pieces).toHaveLength(RESERVED_PIECES);
    expect(pieces.reduce((sum, size) => sum + size, 0)).toBe(Math.ceil(gib));
    expect(Math.max(...reservedPieces(gib * GIB))).toBeLessThan(2 ** 31);
  }
});
