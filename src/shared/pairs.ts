import { z } from 'zod';
import { idSchema, sha256Schema } from './documents.ts';
import { pageRequestSchema } from './paging.ts';

/** Between the chunks of a long document that is made of chunks (golden conventions, LongPO's code). */
export const chunkJoiner = '\n\n\n';

/** How an answer was decoded; temperature 0 is greedy, topK 0 and topP 1 are no limit. */
export const samplingSchema = z.strictObject({
  temperature: z.number().min(0),
  topP: z.number().gt(0).max(1),
  topK: z.int().min(0),
  maxNewTokens: z.int().min(1),
});
export type Sampling = z.infer<typeof samplingSchema>;

/** Everything that must be known to make the same pair again. */
export const provenanceSchema = z.strictObject({
  modelFingerprint: z.string().min(1),
  template: z.strictObject({ name: z.string().min(1), sha256: sha256Schema }),
  sampling: z.strictObject({ question: samplingSchema.nullable(), chosen: samplingSchema, rejected: samplingSchema }),
  /** Request that made the question, with a placeholder for the chunk; null for given questions. */
  prompt: z.string().nullable(),
  /** Stands between the text and the question in every prompt. */
  separator: z.string(),
  /** RoPE base under which the rejected answers were made; null = the model's own. */
  longRopeTheta: z.number().positive().nullable(),
});
export type Provenance = z.infer<typeof provenanceSchema>;

/** One turn of a sample: a question on one chunk with the answer from the chunk and the answer from the long document. */
export const newPairSchema = z.strictObject({
  chunkId: idSchema,
  question: z.string().min(1),
  chosen: z.string(),
  rejected: z.string(),
  seed: z.int().min(0),
  /** What the automatic filters noticed, such as `identical` or `refusal_chosen`. */
  flags: z.array(z.string().min(1)),
});
export type NewPair = z.infer<typeof newPairSchema>;

/** A sample = a long document and ordered turns on it; in training it is one example. */
export const newSampleSchema = z.strictObject({
  documentId: idSchema,
  jobId: idSchema.nullable(),
  /** The long text: the whole document, or these chunks of it joined by `chunkJoiner`. */
  context: z.union([z.literal('document'), z.strictObject({ chunkIds: z.array(idSchema).min(1) })]),
  provenance: provenanceSchema,
  turns: z.array(newPairSchema).min(1),
});
export type NewSample = z.infer<typeof newSampleSchema>;

export const verdicts = [
  'chosen_better',
  'rejected_better',
  'both_good',
  'both_bad',
  'broken_instruction',
  'skipped',
] as const;
export const verdictSchema = z.enum(verdicts);
export type Verdict = z.infer<typeof verdictSchema>;

/** Texts that a reviewer put in the place of the generated ones; a field left out keeps its text. */
export const pairEditSchema = z
  .strictObject({
    question: z.string().min(1).optional(),
    chosen: z.string().optional(),
    rejected: z.string().optional(),
  })
  .refine((edit) => Object.values(edit).some((text) => text !== undefined), 'an edit must change at least one text');
export type PairEdit = z.infer<typeof pairEditSchema>;

/** One act of a reviewer. Acts are only ever added; an undo is an act that takes an earlier one back. */
export const newReviewSchema = z
  .strictObject({
    pairId: idSchema,
    reviewer: z.string().min(1),
    verdict: verdictSchema.nullable().default(null),
    edit: pairEditSchema.nullable().default(null),
    comment: z.string().min(1).nullable().default(null),
    undoes: idSchema.nullable().default(null),
    /** Whether the reviewer saw the answers without knowing which one is chosen. */
    blind: z.boolean(),
    /** Time spent on the pair. */
    milliseconds: z.int().min(0),
  })
  .refine(
    (review) =>
      (review.undoes === null) !== (review.verdict === null && review.edit === null && review.comment === null),
    'a review is a verdict, an edit or a comment, or else an undo',
  );
export type NewReview = z.input<typeof newReviewSchema>;
export type ReviewRow = z.output<typeof newReviewSchema> & { readonly id: number; readonly createdAt: number };

/** Where a pair stands after all reviews of it. */
export const pairStateSchema = z.strictObject({
  /** The latest verdict that was not undone; null = not reviewed. */
  verdict: verdictSchema.nullable(),
  /** Reviewers' latest verdicts differ. */
  disagreement: z.boolean(),
  /** Review whose edit is in force; 0 = the texts are as generated. */
  revision: z.int().min(0),
});
export type PairState = z.infer<typeof pairStateSchema>;

/** A pair as lists show it, with its edited texts where there are any. */
export const pairRowSchema = pairStateSchema.extend({
  id: idSchema,
  sampleId: idSchema,
  documentId: idSchema,
  chunkId: idSchema,
  chunkIndex: z.int(),
  /** Place in the sample, from 0. */
  turn: z.int().min(0),
  question: z.string(),
  chosen: z.string(),
  rejected: z.string(),
  seed: z.int(),
  flags: z.array(z.string()),
  /** SHA-256 over long text, chunk, separator, question and both answers as they are now. */
  sha256: sha256Schema,
  createdAt: z.int(),
  archivedAt: z.int().nullable(),
});
export type PairRow = z.infer<typeof pairRowSchema>;

/** A pair with all that the audit page shows. */
export const pairDetailSchema = pairRowSchema.extend({
  documentTitle: z.string(),
  chunkText: z.string(),
  chunkStart: z.int(),
  chunkEnd: z.int(),
  /** The texts as they were generated. */
  generated: z.strictObject({ question: z.string(), chosen: z.string(), rejected: z.string() }),
  /** Turns in the sample. */
  turns: z.int(),
  provenance: provenanceSchema,
});
export type PairDetail = z.infer<typeof pairDetailSchema>;

export const pairQueues = ['all', 'unreviewed', 'disagreement', 'flagged', 'done'] as const;

export const pairListRequestSchema = pageRequestSchema.extend({
  queue: z.enum(pairQueues).default('all'),
  verdict: verdictSchema.optional(),
  flag: z.string().optional(),
  documentId: idSchema.optional(),
  jobId: idSchema.optional(),
  /** Only pairs whose question or answers contain this text. */
  search: z.string().optional(),
  archived: z.boolean().default(false),
});
export type PairListRequest = z.input<typeof pairListRequestSchema>;

export type PairQueueCounts = Readonly<Record<(typeof pairQueues)[number], number>>;

/** A sample with all its texts, as training and export need it. */
export interface Sample {
  readonly id: number;
  readonly documentId: number;
  readonly documentTitle: string;
  /** The long text. */
  readonly context: string;
  readonly provenance: Provenance;
  readonly turns: readonly SampleTurn[];
}

export interface SampleTurn {
  readonly pairId: number;
  readonly revision: number;
  readonly turn: number;
  readonly chunkText: string;
  readonly question: string;
  readonly chosen: string;
  readonly rejected: string;
  readonly seed: number;
  readonly flags: readonly string[];
  /** Of the pair with its texts as they are here. */
  readonly sha256: string;
  /** A reviewer found the rejected answer better: `chosen` and `rejected` are exchanged here. */
  readonly swapped?: true;
}
