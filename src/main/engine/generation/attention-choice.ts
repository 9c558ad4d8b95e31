import type { ModelConfig } from '../model/config.ts';
import { PAGE } from './page-table.ts';
import type { PageLayout } from './page-table.ts';

type Heads = Pick<ModelConfig, 'numHeads' | 'numKvHeads' | 'headDim'>;

/**
 * Microseconds of attention for one token in one layer on an H100, from 32 heads of 128 over 8 of keys, behind 4K and 32K with
 * 1, 4 and 16 sequences (docs/results/gpu-2026-11.md). PagedAttention reads every key a sequence sees once for each of its
 * query heads. Attention over all sequences at once reads every place of the cache once, and makes scores of every sequence
 * for every place, also where the place is another's: good for what is shared, bad for what is not.
 */
const APART = { fixed: 20, keys: 4.5 / 1000 } as const;
const TOGETHER = { fixed: 45, places: 1.6 / 1000, scores: 0.92 / 1000 } as const;
const MEASURED: Heads = { numHeads: 32, numKvHeads: 8, headDim: 128 };

/** Whether attention over all sequences at once takes less time than PagedAttention for each, see `pagedDecodeProgram`. */
export function isFasterTogether({ shared, pages }: PageLayout, batch: number, heads: Heads): boolean {
  const places = (shared + batch * (pages - shared)) * PAGE;
  const seen = batch * pages * PAGE;
  const times = (of: (h: Heads) => number): number => of(heads) / of(MEASURED);
  const apart = APART.fixed + APART.keys * seen * times((h) => h.numHeads * h.headDim);
  const together =
    TOGETHER.fixed +
    TOGETHER.places * places * times((h) => h.numKvHeads * h.headDim) +
    TOGETHER.scores * batch * places * times((h) => h.numHeads);
  return together < apart;
}
