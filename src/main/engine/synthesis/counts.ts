import type { PairFilterId } from '../../../shared/pair-filters.ts';
import type { QuestionDropReason } from './questions.ts';

/** Why something was left out, from the document down to the pair. */
export type DropReason =
  | 'empty_document'
  | 'document_too_long' // the long prompt and its answer exceed the bound or the positions
  | 'short_chunk'
  | 'not_sampled'
  | 'chunk_too_long' // a prompt with the chunk exceeds the positions
  | QuestionDropReason
  | PairFilterId;

/** What a synthesis has made and left out so far. */
export interface SynthesisCounts {
  readonly documents: number;
  /** Chunks that were asked about. */
  readonly chunks: number;
  readonly questions: number;
  /** Pairs kept, the identical ones among them. */
  readonly pairs: number;
  readonly identical: number;
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>;
}

export const NO_COUNTS: SynthesisCounts = {
  documents: 0,
  chunks: 0,
  questions: 0,
  pairs: 0,
  identical: 0,
  dropped: {},
};

export function addCounts(a: SynthesisCounts, b: SynthesisCounts): SynthesisCounts {
  const dropped: Partial<Record<DropReason, number>> = { ...a.dropped };
  for (const [reason, count] of Object.entries(b.dropped) as [DropReason, number][]) {
    dropped[reason] = (dropped[reason] ?? 0) + count;
  }
  return {
    documents: a.documents + b.documents,
    chunks: a.chunks + b.chunks,
    questions: a.questions + b.questions,
    pairs: a.pairs + b.pairs,
    identical: a.identical + b.identical,
    dropped,
  };
}
