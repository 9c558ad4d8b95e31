import { z } from 'zod';
import { auditFilterSchema, auditQueueSchema, auditRowsRequestSchema } from '../audit/queue.ts';
import type { AuditCounts, AuditRow, ScoredModel } from '../audit/queue.ts';
import { auditPairRequestSchema, recordReviewSchema, reviewerSchema, undoReviewSchema } from '../audit/review.ts';
import type { AuditPace, AuditPair, RecordedReview, UndoneReview } from '../audit/review.ts';
import { method } from './method.ts';

/**
 * The audit of pairs. A window asks once for the order of a queue, then for the rows in sight and for one pair after the
 * other: a verdict costs no query over all pairs. For the same reason an event on reviews does not make these answers
 * stale by itself (see `renderer/pages/pairs/use-audit-queue.ts`).
 */
export const auditMethods = {
  'audit.order': method<readonly number[]>()(auditQueueSchema),
  'audit.rows': method<readonly AuditRow[]>()(auditRowsRequestSchema),
  'audit.counts': method<AuditCounts>()(
    z.strictObject({ filter: auditFilterSchema.prefault({}), reviewer: reviewerSchema }),
  ),
  'audit.pair': method<AuditPair>()(auditPairRequestSchema),
  /** Answered only once the review is durably stored. */
  'audit.record': method<RecordedReview>()(recordReviewSchema),
  'audit.undo': method<UndoneReview>()(undoReviewSchema),
  'audit.pace': method<AuditPace>()(z.strictObject({ reviewer: reviewerSchema })),
  /** Scores the pairs that have no score under the model yet. Job result: `ScoredPairs`. */
  'audit.scorePairs': method<{ readonly jobId: number }>()(
    z.strictObject({
      modelDir: z.string().min(1),
      threads: z.int().min(0).max(1024).default(0),
      device: z.enum(['cpu', 'cuda']).default('cpu'),
    }),
  ),
  'audit.scoredModels': method<readonly ScoredModel[]>()(z.strictObject({})),
  'audit.scoredRuns': method<readonly { readonly id: number; readonly name: string }[]>()(z.strictObject({})),
};
