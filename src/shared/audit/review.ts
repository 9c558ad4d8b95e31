import { z } from 'zod';
import { idSchema, sha256Schema } from '../documents.ts';
import type { DocumentRow } from '../documents.ts';
import type { Verdict } from '../pairs.ts';
import { shownVerdicts } from './answer-order.ts';
import type { AnswerOrder, ShownVerdict } from './answer-order.ts';
import type { ChunkPlace } from './chunk-place.ts';
import { blindSchema } from './blind.ts';
import { auditQueueSchema } from './queue.ts';

/** Who reviews; stored with every review. */
export const reviewerSchema = z.string().trim().min(1, 'say who reviews').max(200);

export const auditPairRequestSchema = z.strictObject({
  pairId: idSchema,
  reviewer: reviewerSchema,
  blind: blindSchema,
});
export type AuditPairRequest = z.input<typeof auditPairRequestSchema>;

/** One pair as the reviewer sees it. In blind mode nothing in it depends on which answer is the chosen one. */
export interface AuditPair {
  readonly id: number;
  /** Names the texts that were seen; goes back with the verdict. */
  readonly sha256: string;
  readonly question: string;
  /** The answers as they are shown: A and B. */
  readonly answers: readonly [string, string];
  /** What A and B are; null in blind mode. */
  readonly order: AnswerOrder | null;
  /** The texts as they were generated, where they were edited since. */
  readonly generated: { readonly question: string; readonly answers: readonly [string, string] } | null;
  /** Place in its sample, from 0, and number of turns there. */
  readonly turn: number;
  readonly turns: number;
  /** All pairs of its sample that are here, in the order of the turns. */
  readonly sample: readonly { readonly id: number; readonly turn: number; readonly question: string }[];
  /** In blind mode only those that say nothing about one side. */
  readonly flags: readonly string[];
  readonly document: {
    readonly id: number;
    readonly title: string;
    readonly type: DocumentRow['importer'];
    readonly characters: number;
    /** The text that is here is only the surroundings of the chunk (review bundles). */
    readonly excerpt: boolean;
  };
  readonly chunk: {
    readonly text: string;
    /** Place among the document's chunks, from 0, and their number. */
    readonly index: number;
    readonly count: number;
    /** In UTF-16 units of the text that is here. */
    readonly start: number;
    readonly end: number;
    /** In the whole document. */
    readonly place: ChunkPlace;
  };
  /** The reviewer's own standing verdict. */
  readonly own: ShownVerdict | null;
  /** What others found; empty in blind mode. */
  readonly others: readonly { readonly reviewer: string; readonly verdict: Verdict }[];
  readonly comments: readonly { readonly reviewer: string; readonly comment: string; readonly createdAt: number }[];
}

/** One act of a reviewer on what was shown to them. */
export const recordReviewSchema = z
  .strictObject({
    pairId: idSchema,
    reviewer: reviewerSchema,
    blind: blindSchema,
    /** `AuditPair.sha256` of what was seen. */
    seen: sha256Schema,
    verdict: z.enum(shownVerdicts).nullable().default(null),
    /** Texts in the place of the shown ones; fields left out keep theirs. */
    edit: z
      .strictObject({
        question: z.string().min(1, 'a question cannot be empty').optional(),
        first: z.string().optional(),
        second: z.string().optional(),
      })
      .refine((edit) => Object.values(edit).some((text) => text !== undefined), 'an edit must change at least one text')
      .nullable()
      .default(null),
    comment: z.string().trim().min(1).max(20_000).nullable().default(null),
    /** Time spent on the pair. */
    milliseconds: z.int().min(0),
    /** The queue that the pair came from; its `reviewer` is the one above. */
    queue: auditQueueSchema.prefault({}),
    /** The reviewer went to the pair by hand instead of taking the next one. */
    picked: z.boolean().default(false),
  })
  .refine(({ verdict, edit, comment }) => verdict !== null || edit !== null || comment !== null, {
    message: 'a review is a verdict, an edit or a comment',
  });
export type RecordReview = z.input<typeof recordReviewSchema>;

/** The answer to a review; it comes once the review is on the disk. Says nothing about which answer is which. */
export interface RecordedReview {
  readonly id: number;
  readonly pace: AuditPace;
}

export const undoReviewSchema = z.strictObject({
  reviewer: reviewerSchema,
  /** Left out: the reviewer's latest act that still holds, of whatever session. */
  reviewId: idSchema.optional(),
});
export type UndoReview = z.input<typeof undoReviewSchema>;

export interface UndoneReview {
  /** The undo's own review; undoing that is a redo. */
  readonly id: number;
  readonly pairId: number;
  readonly undone: {
    readonly id: number;
    readonly verdict: boolean;
    readonly edit: boolean;
    readonly comment: boolean;
  };
}

/** How fast a reviewer is. */
export interface AuditPace {
  /** The latest verdicts that the pace is taken from (at most 50), and the mean time they took; null = none yet. */
  readonly verdicts: number;
  readonly secondsEach: number | null;
}
