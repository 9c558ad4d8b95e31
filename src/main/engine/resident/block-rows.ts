import type { TreeTokens } from '../model/runner.ts';

/**
 * A tree row laid out in whole blocks for block attention: `[prefix | first | padding | second | padding]`. Padding is
 * at most a few rows, nobody sees it, and no target reads it.
 */
export interface BlockRows {
  /** Rows in a block. */
  readonly block: number;
  /** Rows with padding, a multiple of `block`. */
  readonly length: number;
  /** The attention plan's table [length / block, 4], see onnx/block-attention.ts. */
  readonly table: BigInt64Array;
  /** Where a row of the tree stands. */
  readonly place: (row: number) => number;
}

/** What one more block costs beside its rows, in rows (the loop's own operators; measured on two CPU cores). */
const BLOCK_OVERHEAD = 4;
/** Smaller blocks than this are not worth a matrix product. */
const SMALLEST_BLOCK = 48;

/** The block size up to `limit` with the least padding and the fewest blocks. */
export function chooseBlock(trunk: number, second: number, limit: number): number {
  let best = { block: 1, cost: Infinity };
  const longest = Math.max(trunk, second);
  const most = Math.ceil(longest / Math.min(SMALLEST_BLOCK, limit));
  for (let count = Math.ceil(longest / limit); count <= most; count++) {
    const block = Math.ceil(longest / count);
    const blocks = Math.ceil(trunk / block) + Math.ceil(second / block);
    const cost = blocks * (block + BLOCK_OVERHEAD);
    if (cost < best.cost) best = { block, cost };
  }
  return best.block;
}

/** Lays out a tree row; `limit` is the largest block. */
export function blockRows(
  { prefix, first, second }: Pick<TreeTokens, 'prefix' | 'first' | 'second'>,
  limit: number,
): BlockRows {
  const trunk = prefix + first;
  const block = chooseBlock(trunk, second, limit);
  const trunkRows = Math.ceil(trunk / block) * block;
  const length = trunkRows + Math.ceil(second / block) * block;
  const table = new BigInt64Array((length / block) * 4);
  for (let start = 0; start < length; start += block) {
    const end = start + block;
    // The trunk sees itself so far; the second branch sees the prefix and itself so far.
    const sizes =
      end <= trunkRows ? [end, 0, 0, length - end] : [prefix, trunkRows - prefix, end - trunkRows, length - end];
    table.set(sizes.map(BigInt), (start / block) * 4);
  }
  return { block, length, table, place: (row) => (row < trunk ? row : row + trunkRows - trunk) };
}

/** Values of the tree's rows at their places, zero in the padding. */
export function placed(values: Int32Array, rows: Pick<BlockRows, 'length' | 'place'>): Int32Array {
  const out = new Int32Array(rows.length);
  values.forEach((value, row) => {
    out[rows.place(row)] = value;
  });
  return out;
}
