import { z } from 'zod';
import { documentRowSchema, idSchema } from '../documents.ts';
import type { DocumentRow } from '../documents.ts';
import { pairQueues, verdictSchema } from '../pairs.ts';
import type { Verdict } from '../pairs.ts';
import type { ShownVerdict } from './answer-order.ts';
import { blindSchema } from './blind.ts';

/** Bounds of a number, both included; a bound left out is none. */
export const rangeSchema = z
  .strictObject({ min: z.number().optional(), max: z.number().optional() })
  .refine(({ min, max }) => min === undefined || max === undefined || min <= max, 'min must not be above max');

/**
 * What is looked at of a pair's log-probabilities, in nats, summed over an answer's tokens: `margin` = value of the chosen
 * minus that of the rejected answer. A run's value is a log ratio: policy (long input) minus reference (short input). A
 * model's value is its own log-probability on the short input, before any training.
 */
export const scoreNames = ['margin', 'chosen', 'rejected'] as const;

/** A model's fingerprint. */
export const fingerprintSchema = z.string().min(1).max(200);

/** Summed log-probabilities of a pair's answers under a model as it is, on the short input, in nats. */
export interface PairScore {
  readonly pairId: number;
  /** Which of the pair's texts were scored (0 = as generated, else the review whose edit it is). */
  readonly revision: number;
  readonly chosen: number;
  readonly rejected: number;
}

/** A model under which pairs were scored. */
export interface ScoredModel {
  readonly fingerprint: string;
  readonly name: string;
}

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
  /** A value of a run, or of a model as it is; pairs for which there is none do not fit. */
  score: z
    .union([
      z.strictObject({ runId: idSchema, of: z.enum(scoreNames), range: rangeSchema }),
      z.strictObject({ model: fingerprintSchema, of: z.enum(scoreNames), range: rangeSchema }),
    ])
    .optional(),
  /** Text that the question or an answer contains, as generated or as edited. */
  search: z.string().min(1).max(1000).optional(),
});
export type AuditFilter = z.output<typeof auditFilterSchema>;
export type AuditFilterInput = z.input<typeof auditFilterSchema>;

/**
 * In which order pairs come: `made` = as they were generated; `random` = shuffled by the seed, the order for an
 * honest estimate of label errors; `margin` = smallest margin of the run or model in `filter.score` first, pairs without one last.
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
    message: 'the order by margin needs filter.score with the run or the model',
    path: ['order'],
  });
export type AuditQueue = z.output<typeof auditQueueSchema>;
export type AuditQueueInput = z.input<typeof auditQueueSchema>;

/** Pairs of a queue that are in sight. */
export const auditRowsRequestSchema = z.strictObject({
  ids: z.array(idSchema).max(500),
  reviewer: z.string().trim().min(1).max(200),
  blind: blindSchema,
  /** Run whose margins are shown. */
  runId: idSchema.nullable().default(null),
  /** Model whose margins are shown; not both. */
  model: fingerprintSchema.nullable().default(null),
});
export type AuditRowsRequest = z.input<typeof auditRowsRequestSchema>;

/** A pair as the queue's list shows it. In blind mode nothing in it says which answer is which. */
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
  /** Latest verdict of anyone; null in blind mode. */
  readonly verdict: Verdict | null;
  /** The asking reviewer's standing verdict, on what is shown. */
  readonly own: ShownVerdict | null;
  /** false in blind mode. */
  readonly disagreement: boolean;
  /** Margin in the run or under the model that was asked for, in nats; null where there is none, and in blind mode. */
  readonly margin: number | null;
}

/** How many pairs fit the filter in each queue (`filter.queue` itself is not looked at). */
export type AuditCounts = Readonly<Record<(typeof pairQueues)[number], number>>;
