import type { TreeTokens } from '../model/runner.ts';

/**
 * A tree row laid out for flash attention: `[prefix | first | padding | second | padding]`. Padding sees what real rows see,
 * nobody sees it, and no target reads it. Without a second branch, a few rows of padding stand in its place.
 */
export interface FlashRows {
  /** Rows of the prefix that the second branch sees, at least 1. */
  readonly prefix: number;
  /** Rows of prefix and first branch with padding, a multiple of `block`. */
  readonly trunk: number;
  readonly block: number;
  /** Divides the rows behind the trunk. */
  readonly secondBlock: number;
  /** Rows of the MLP at a time; divides `length`. */
  readonly chunk: number;
  readonly length: number;
  /** Where a row of the tree stands. */
  readonly place: (row: number) => number;
}

/** Matrix products on CUDA are fastest, and flash attention's memory aligned, in multiples of 8 rows. */
const ALIGN = 8;

function up(n: number, to: number): number {
  return Math.ceil(n / to) * to;
}

/** Lays out a tree row; `block` is the largest attention block, `chunk` the most MLP rows at a time (both multiples of 8). */
export function flashRows(
  { prefix, first, second }: Pick<TreeTokens, 'prefix' | 'first' | 'second'>,
  limits: { readonly block: number; readonly chunk: number },
): FlashRows {
  const real = prefix + first;
  const trunkBlocks = Math.max(1, Math.ceil(real / limits.block));
  const block = Math.max(ALIGN, up(real / trunkBlocks, ALIGN));
  const trunk = block * trunkBlocks;
  const least = trunk + Math.max(ALIGN, up(second, ALIGN));
  const chunks = Math.ceil(least / limits.chunk);
  // The next length that whole chunks and whole blocks of the second branch fill.
  let chunk = up(least / chunks, ALIGN);
  const blocksBehind = (length: number): number => Math.ceil((length - trunk) / limits.block);
  while ((chunk * chunks - trunk) % (blocksBehind(chunk * chunks) * ALIGN) !== 0) chunk += ALIGN;
  const length = chunk * chunks;
  const secondBlock = (length - trunk) / blocksBehind(length);
  return {
    prefix: Math.max(1, prefix),
    trunk,
    block,
    secondBlock,
    chunk,
    length,
    place: (row) => (row < real ? row : row + trunk - real),
  };
}
