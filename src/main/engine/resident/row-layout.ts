import type { ModelConfig } from '../model/config.ts';
import type { TreeTokens } from '../model/runner.ts';
import type { HostTensor } from '../onnx/session.ts';
import { blockRows, placed } from './block-rows.ts';
import { flashRows } from './flash-rows.ts';
import type { AttentionKind } from './program-inputs.ts';

/** How a row of tokens is laid out for a session: where its rows stand, and what tells the graph. */
export interface RowLayout {
  /** Rows with padding. */
  readonly length: number;
  readonly place: (row: number) => number;
  readonly feeds: Readonly<Record<string, HostTensor>>;
}

/** Sizes that bound memory; larger ones are faster. */
export interface LayoutLimits {
  /** Rows in a block of attention. */
  readonly block: number;
  /** For flash attention: rows of the MLP at a time, and scores at a time on the way back. */
  readonly mlpRows: number;
  readonly scores: number;
}

/** The square on the diagonal of each block is computed in full: half of it in vain, one part in this number of all scores. */
const MANY_BLOCKS = 32;

type Tree = Pick<TreeTokens, 'prefix' | 'first' | 'second'>;

/** Lays out a row for the kind of attention that the session was built with. */
export function layoutRow(
  tokens: TreeTokens,
  kind: AttentionKind,
  limits: LayoutLimits,
  config: ModelConfig,
): RowLayout {
  const { length, place, feeds } = kind === 'blocks' ? byBlocks(tokens, limits) : flash(tokens, limits, config);
  const rows = (values: Int32Array): HostTensor => ({ data: placed(values, { length, place }), dims: [length] });
  return {
    length,
    place,
    feeds: { ids: rows(tokens.ids), positions: rows(tokens.positions ?? treePositions(tokens)), ...feeds },
  };
}

function byBlocks(tree: Tree, { block: limit }: LayoutLimits): RowLayout {
  const { block, table, ...rows } = blockRows(tree, limit);
  return {
    ...rows,
    feeds: {
      block_table: { data: table, dims: [table.length / 4, 4] },
      block: { data: BigInt64Array.of(BigInt(block)), dims: [1] },
    },
  };
}

function flash(
  tree: Tree,
  { block: limit, mlpRows, scores }: LayoutLimits,
  { numHeads, numKvHeads }: ModelConfig,
): RowLayout {
  const scoresOf = (rows: number, keys: number): number => (numHeads / numKvHeads) * rows * keys;
  // A row of many blocks is faster in larger ones (fewer sums of key gradients): 2% at 64K on an H100.
  const real = tree.prefix + tree.first;
  const larger = real >= MANY_BLOCKS * 2 * limit && scoresOf(2 * limit, real + 2 * limit) <= scores;
  const limits = { block: larger ? 2 * limit : limit, chunk: mlpRows };
  const { prefix, trunk, block, secondBlock, chunk, length, place } = flashRows(tree, limits);
  const perHead = scoresOf(block, trunk);
  const divisors = Array.from({ length: numKvHeads }, (_, i) => i + 1).filter((n) => numKvHeads % n === 0);
  const heads = divisors.findLast((n) => n * perHead <= scores) ?? 1;
  return {
    length,
    place,
    feeds: {
      prefix_rows: ruler(prefix),
      trunk_rows: ruler(trunk),
      block_rows: ruler(block),
      second_block_rows: ruler(secondBlock),
      heads_at_once: ruler(heads),
      mlp_rows: ruler(chunk),
    },
  };
}

/** A length as the first dimension of a tensor, see FlashRulers. */
export function ruler(length: number): HostTensor {
  return { data: new Uint8Array(length), dims: [length] };
}

/** Positions of a tree row: both branches continue from the prefix. */
function treePositions({ prefix, first, second }: Tree): Int32Array {
  const trunk = prefix + first;
  return Int32Array.from({ length: trunk + second }, (_, i) => (i < trunk ? i : i - first));
}

/** What a program that reads no row is fed. */
export function emptyRow(kind: AttentionKind): Readonly<Record<string, HostTensor>> {
  const none = { data: new Int32Array(0), dims: [0] };
  const row = { ids: none, positions: none };
  if (kind === 'blocks') {
    return {
      ...row,
      block_table: { data: new BigInt64Array(0), dims: [0, 4] },
      block: { data: BigInt64Array.of(1n), dims: [1] },
    };
  }
  const names = ['prefix_rows', 'trunk_rows', 'block_rows', 'second_block_rows', 'heads_at_once', 'mlp_rows'];
  return { ...row, ...Object.fromEntries(names.map((name) => [name, ruler(1)])) };
}

/** The size of equal parts of n, at most `limit` each. */
export function evenParts(n: number, limit: number): number {
  return n === 0 ? 1 : Math.ceil(n / Math.ceil(n / limit));
}
