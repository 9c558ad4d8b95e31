import { z } from 'zod';
import { documentRowSchema, idSchema } from '../documents.ts';
import type { DocumentRow } from '../documents.ts';
import { pairQueues, verdictSchema } from '../pairs.ts';
import type { Verdict } from '../pairs.ts';
import { pageRequestSchema } from '../paging.ts';
import type { Page } from '../paging.ts';

/** Bounds of a number, both included; a bound left out is none. */
export const rangeSchema = z
  .strictObject({ min: z.number().optional(), max: z.number().optional() })
  .refine(({ min, max }) => min === undefined || max === undefined || min <= max, 'min must not be above max');

/**
 * What is looked at of a run's log-probabilities, in nats, summed over an answer's tokens: `margin` = log ratio of the
 * chosen minus that of the rejected answer, where a log ratio = policy (long input) minus reference (short input).
 */
export const scoreNames = ['margin', 'chosen', 'rejected'] as const;

/** Which pairs are wanted; fields left out do not narrow. Archived pairs never are. */
export const auditFilterSchema = z.strictObject({
  /** `unreviewed` and `done` are meant for the asking reviewer where one is named, else for anyone. */
  queue: z.enum(pairQueues).default('unreviewed'),
  /** The pair's latest verdict of anyone. */
  verdict: verdictSchema.optional(),
  /** Pairs with at least one of these flags. */
  flags: z.array(z.string().min(1)).min(1).max(100).optional(),
  documentId: idSchema.optional(),
  /** Generation that made the pair. */
  jobId: idSchema.optional(),
  documentType: documentRowSchema.shape.importer.optional(),
  /** Length of the document in Unicode characters. */
  documentCharacters: rangeSchema.optional(),
  /** Length of the longer answer, as edited, in Unicode characters. */
  answerCharacters: rangeSchema.optional(),
  /** A value of a run; pairs for which the run has none do not fit. */
  score: z.strictObject({ runId: idSchema, of: z.enum(scoreNames), range: rangeSchema }).optional(),
  /** Text that the question or an answer contains, as generated or as edited. */
  search: z.string().min(1).max(1000).optional(),
});
export type AuditFilter = z.output<typeof auditFilterSchema>;
export type AuditFilterInput = z.input<typeof auditFilterSchema>;

/**
 * In which order pairs come: `made` = as they were generated; `random` = shuffled by the seed, the order for an
 * honest estimate of label errors; `margin` = smallest margin of the run in `filter.score` first, pairs without one last.
 */
export const auditOrders = ['made', 'random', 'margin'] as const;

const queueFields = {
  filter: auditFilterSchema.prefault({}),
  order: z.enum(auditOrders).default('made'),
  /** Of the order `random`. */
  seed: z.int().min(0).max(0xffffffff).default(0),
  /** Who asks; null = anyone. */
  reviewer: z.string().trim().min(1).max(200).nullable().default(null),
};

/** A queue: which pairs, in which order, for whom. */
export const auditQueueSchema = z
  .strictObject(queueFields)
  .refine(({ order, filter }) => order !== 'margin' || filter.score !== undefined, {
    message: 'the order by margin needs filter.score with the run',
    path: ['order'],
  });
export type AuditQueue = z.output<typeof auditQueueSchema>;
export type AuditQueueInput = z.input<typeof auditQueueSchema>;

/** One page of a queue. */
export const auditListRequestSchema = z.strictObject({
  queue: auditQueueSchema.prefault({}),
  page: pageRequestSchema.prefault({}),
});
export type AuditListRequest = z.input<typeof auditListRequestSchema>;

/** A pair as the queue's list shows it; says nothing about which answer is which. */
export interface AuditRow {
  readonly id: number;
  readonly documentId: number;
  readonly documentTitle: string;
  readonly documentType: DocumentRow['importer'];
  /** Unicode characters of the document, and of the longer answer. */
  readonly documentCharacters: number;
  readonly answerCharacters: number;
  /** The question's beginning. */
  readonly question: string;
  readonly flags: readonly string[];
  /** Latest verdict of anyone, and of the asking reviewer. */
  readonly verdict: Verdict | null;
  readonly own: Verdict | null;
  readonly disagreement: boolean;
  /** Margin in the run of `filter.score`, in nats; null where there is none. */
  readonly margin: number | null;
}

export interface AuditPage extends Page<AuditRow> {
  /** All pairs of the queue, on this page or not. */
  readonly total: number;
}

/** How many pairs fit the filter in each queue (`filter.queue` itself is not looked at). */
export type AuditCounts = Readonly<Record<(typeof pairQueues)[number], number>>;
