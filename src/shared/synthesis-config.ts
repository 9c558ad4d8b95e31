import { z } from 'zod';
import { instructionTemplateSchema, instructionTemplates } from './instruction-templates.ts';
import { pairFilters } from './pair-filters.ts';
import type { PairFilterId } from './pair-filters.ts';
import { parseInput } from './parse.ts';

const count = z.int().min(1);

/** How documents are cut; the bounds hold for a chunk's own text, without chat template and question. */
export const chunkOptionsSchema = z
  .strictObject({
    /** A chunk with fewer tokens is short, see `short`. */
    minTokens: count.default(16384),
    maxTokens: z.int().min(8).default(30000),
    /** That many chunks at random, in document order; null = all. */
    maxChunksPerDocument: count.nullable().default(4),
    /** What happens to short chunks, usually a document's tail. `merge` joins or moves a boundary, and drops where it cannot. */
    short: z.enum(['drop', 'merge', 'keep']).default('drop'),
  })
  .refine((options) => options.minTokens <= options.maxTokens, {
    message: 'must not exceed maxTokens',
    path: ['minTokens'],
  });

/** How one pass decodes. */
const decodingSchema = z.strictObject({
  maxNewTokens: count.default(1024),
  /** 0 = greedy. */
  temperature: z.number().min(0).default(0),
  /** 1 = no limit. */
  topP: z.number().gt(0).max(1).default(1),
  /** 0 = no limit. */
  topK: z.int().min(0).default(0),
});

const thresholdsSchema = z.strictObject({
  /** Largest accepted share of an answer's words that occur more than once in it. */
  maxRepetitionChosen: z.number().min(0).max(1).default(0.9),
  maxRepetitionRejected: z.number().min(0).max(1).default(0.95),
  /** An answer needs at least this many words of at least `wordLetters` letters. */
  minWords: z.int().min(0).default(2),
  wordLetters: count.default(3),
  minQuestionTokens: z.int().min(0).default(3),
  minChosenTokens: z.int().min(0).default(1),
  maxShortTokens: count.default(32768),
});

const mode = z.enum(['drop', 'flag', 'off']);
const modesSchema = z.strictObject(
  Object.fromEntries(Object.entries(pairFilters).map(([id, filter]) => [id, mode.default(filter.mode)])) as Record<
    PairFilterId,
    z.ZodDefault<typeof mode>
  >,
);

/**
 * How pairs are made from documents. Input may leave fields out; the defaults are the paper's (arXiv 2502.13922), and
 * the released code's where the paper is silent.
 */
export const synthesisConfigSchema = z.strictObject({
  seed: z.int().min(0).max(0xffffffff).default(42),
  chunking: chunkOptionsSchema.prefault({}),
  template: instructionTemplateSchema.default(instructionTemplates.paper),
  /** The pass that asks about a chunk. */
  question: decodingSchema.prefault({ temperature: 0.7, topP: 0.9 }),
  /** The passes that answer, from the chunk (chosen) and from the long context (rejected). */
  answer: decodingSchema.prefault({}),
  /** What the rejected answer is given: the whole document, or the kept chunks joined by three newlines (released code). */
  longContext: z.enum(['document', 'chunks']).default('chunks'),
  /** RoPE base of the rejected pass; null = the model's own. */
  ropeTheta: z.number().positive().nullable().default(null),
  /** Documents whose long prompt and answer exceed it are left out and counted; null = what the model can address. */
  maxLongTokens: count.nullable().default(null),
  filters: modesSchema.prefault({}),
  thresholds: thresholdsSchema.prefault({}),
  /** Documents whose prompts are batched together; part of the configuration because batches affect rounding. */
  documentsPerGroup: count.default(16),
  /** Bounds of one batch: sequences, and tokens with padding. */
  batch: z.strictObject({ maxSequences: count.default(64), maxTokens: count.default(32768) }).prefault({}),
});

export type ChunkOptions = z.output<typeof chunkOptionsSchema>;
export type Decoding = z.output<typeof decodingSchema>;
export type PairFilterModes = z.output<typeof modesSchema>;
export type PairFilterThresholds = z.output<typeof thresholdsSchema>;
export type SynthesisConfigInput = z.input<typeof synthesisConfigSchema>;
export type SynthesisConfig = z.output<typeof synthesisConfigSchema>;

/**
 * Checks a synthesis configuration and fills in its defaults.
 * Errors: `invalid_input` naming the field (and `file`, where it came from one).
 */
export function parseSynthesisConfig(value: unknown, file?: string): SynthesisConfig {
  return parseInput(synthesisConfigSchema, value, 'Synthesis configuration', file);
}

/**
 * Named starting points. `paper`: arXiv 2502.13922. `releasedCode`: its answers are sampled (DAMO-NLP-SG/LongPO).
 * `small`: for models with a context of a few thousand tokens. `demo`: the Harbour demo, as its reference run does it.
 */
export const synthesisPresets = {
  paper: {},
  releasedCode: { answer: { temperature: 1 } },
  small: {
    chunking: { minTokens: 128, maxTokens: 768, maxChunksPerDocument: 4, short: 'merge' },
    template: instructionTemplates.simple,
    question: { maxNewTokens: 64, temperature: 0.7, topP: 0.9 },
    answer: { maxNewTokens: 256 },
    longContext: 'document',
  },
  demo: {
    seed: 0,
    chunking: { minTokens: 1, maxTokens: 112, maxChunksPerDocument: null, short: 'keep' },
    template: instructionTemplates.demo,
    question: { maxNewTokens: 10, temperature: 0.7, topP: 0.9 },
    answer: { maxNewTokens: 14 },
    longContext: 'document',
    filters: { repetition: 'off', few_words: 'off', refusal: 'off' },
    thresholds: { maxShortTokens: 1024 },
  },
} as const satisfies Record<string, SynthesisConfigInput>;
