import type { PairFilterId } from '../../../shared/pair-filters.ts';
import type { Decoding, SynthesisConfig } from '../../../shared/synthesis-config.ts';
import type { Generator } from '../generation/batched.ts';
import type { ModelState } from '../model/runner.ts';
import type { Chunk } from './chunking.ts';
import type { DropReason, SynthesisCounts } from './counts.ts';

export interface SynthesisDocument {
  /** Stable: it seeds the document's random numbers and marks it as finished. */
  readonly id: string;
  readonly markdown: boolean;
  read(): Promise<string>;
}

export interface SynthesisJob {
  readonly documents: readonly SynthesisDocument[];
  /** Writes questions and chosen answers. */
  readonly generator: Generator;
  /** The state of the rejected pass: the same parameters, rotary tables for the long input (`config.ropeTheta`). */
  readonly longState: ModelState;
  readonly config: SynthesisConfig;
  /** What an earlier, interrupted job on the same documents and configuration has delivered. */
  readonly resume?: { readonly finished: ReadonlySet<string>; readonly counts: SynthesisCounts };
  readonly signal?: AbortSignal;
  /** Milliseconds; for the remaining time. */
  readonly now?: () => number;
}

export interface GeneratedPair {
  readonly documentId: string;
  readonly chunk: Chunk;
  /** The question as it was asked, phrase included. */
  readonly question: string;
  /** All questions the model wrote for the chunk. */
  readonly candidates: readonly string[];
  /** Answers without end token and without white space at the ends. */
  readonly chosen: string;
  readonly rejected: string;
  /** Filters that mark the pair. */
  readonly flags: readonly PairFilterId[];
  readonly identical: boolean;
  readonly provenance: PairProvenance;
}

export interface PairProvenance {
  /** Key of the pair's random numbers, with `seed` all that sampling depends on. */
  readonly key: string;
  readonly seed: number;
  /** The exact user message that asked for the question. */
  readonly instruction: string;
  readonly template: string;
  /** Between context and question, in both prompts. */
  readonly separator: string;
  readonly longContext: 'document' | 'chunks';
  readonly ropeTheta: number | null;
  readonly decoding: { readonly question: Decoding; readonly answer: Decoding };
  readonly tokens: {
    readonly shortPrompt: number;
    readonly longPrompt: number;
    /** With the end token. */
    readonly chosen: number;
    readonly rejected: number;
  };
}

/** What was left out, with as much of it as there was. */
export interface DroppedItem {
  /** The first reason in the order of the filters. */
  readonly reason: DropReason;
  readonly reasons: readonly DropReason[];
  readonly chunk: Chunk | null;
  /** The model's output where no question was found in it. */
  readonly output?: string;
  readonly question?: string;
  readonly chosen?: string;
  readonly rejected?: string;
}

export interface DocumentResult {
  readonly documentId: string;
  /** The chunks that were asked about, in order; joined by three newlines they are the long context `chunks`. */
  readonly chunks: readonly Chunk[];
  readonly pairs: readonly GeneratedPair[];
  readonly dropped: readonly DroppedItem[];
  readonly counts: SynthesisCounts;
}

export interface SynthesisProgress {
  readonly stage: 'questions' | 'chosen' | 'rejected';
  /** Documents finished and in all. */
  readonly done: number;
  readonly total: number;
  readonly counts: SynthesisCounts;
  /** From the documents finished since the start; null before the first. */
  readonly etaSeconds: number | null;
}

export interface SynthesisSink {
  /** Stores a finished document in one transaction; the next one waits for it. */
  document(result: DocumentResult): Promise<void>;
  progress?(progress: SynthesisProgress): void;
}
