import {
  auditCounts,
  auditOrder,
  auditPace,
  auditPair,
  auditRows,
  recordReview,
  scoredRuns,
  undoReview,
} from '../reviews.ts';
import { refuseWhereBlind } from '../blind-bundle.ts';
import { scoredModels } from '../pair-scores.ts';
import { inTurns } from '../in-turns.ts';
import type { DomainMethods, Handlers } from './handlers.ts';
import { scoringContinuation, scoringTitle } from './resumable-jobs.ts';
import type { Session } from './session.ts';

export function auditHandlers(session: Session): Handlers<DomainMethods<'audit'>> {
  return {
    'audit.order': (queue) => inTurns(auditOrder(session.context, queue)),
    'audit.rows': (request) => auditRows(session.context, request),
    'audit.counts': (request) => inTurns(auditCounts(session.context, request)),
    'audit.pair': (request) => auditPair(session.context, request),
    'audit.record': (review) => {
      const recorded = recordReview(session.context, review);
      session.changed('reviews', review.pairId);
      return recorded;
    },
    'audit.undo': (request) => {
      const undone = undoReview(session.context, request);
      session.changed('reviews', undone.pairId);
      return undone;
    },
    'audit.pace': (request) => auditPace(session.context, request),
    'audit.scorePairs': async ({ modelDir, threads, device }) => {
      refuseWhereBlind(session.context.workspace);
      const request = { modelDir: await session.grants.check(modelDir), execution: { threads, device } };
      const continuation = scoringContinuation(session, request);
      const job = session.jobs.start({
        ...{ ...continuation, title: scoringTitle(request) },
        run: (control) => continuation.resume({ runId: null, generationId: null, evaluationIds: [] }, control),
      });
      return { jobId: job.id };
    },
    'audit.scoredModels': () => scoredModels(session.context),
    'audit.scoredRuns': () => scoredRuns(session.context),
  };
}
