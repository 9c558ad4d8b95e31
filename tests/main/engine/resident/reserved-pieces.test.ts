import { expect, it } from 'vitest';
import { RESERVED_PIECES, reservedPieces } from '../../../../src/main/engine/resident/reserved-pieces.ts';

const GIB = 2 ** 30;
/** The pieces in GiB that were asked for, without the zeros. */
const asked = (bytes: number): number[] =>
  reservedPieces(bytes)
    .filter((length) => length > 0)
    .map((length) => Math.ceil((8 * length) / GIB));

/** What onnxruntime's arena (kNextPowerOfTwo, extensions of 1 GiB) takes from the card for such requests, in GiB. */
function taken(pieces: readonly number[]): { readonly total: number; readonly next: number } {
  let [next, total] = [1, 0];
  for (const piece of pieces) {
    const doubled = piece > next;
    while (piece > next) next *= 2;
    total += next;
    if (!doubled) next = Math.min(2 * next, 1);
  }
  return { total, next };
}

it('cuts memory into powers of two, the larger ones twice', () => {
  expect(reservedPieces(0)).toEqual(new Array<number>(RESERVED_PIECES).fill(0));
  expect(asked(1)).toEqual([2]);
  expect(asked(20 * GIB)).toEqual([8, 8, 2, 2]);
  expect(asked(14 * GIB)).toEqual([4, 4, 2, 2, 2]);
  expect(asked(54e9)).toEqual([16, 16, 8, 8, 2, 2]);
});

it('the arena takes what was asked for, up to two GiB more, and small pieces after that', () => {
  for (let gib = 1; gib <= 96; gib += 0.7) {
    expect(reservedPieces(gib * GIB)).toHaveLength(RESERVED_PIECES);
    expect(taken(asked(gib * GIB))).toMatchObject({ total: 2 * Math.ceil(gib / 2) });
    expect(taken(asked(gib * GIB)).next).toBeLessThanOrEqual(2);
    expect(Math.max(...reservedPieces(gib * GIB))).toBeLessThan(2 ** 31);
  }
});
