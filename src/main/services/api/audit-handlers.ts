import { basename } from 'node:path';
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
import { scoredModels, scorePairs } from '../pair-scores.ts';
import { inTurns } from '../in-turns.ts';
import type { JobControl } from './api-jobs.ts';
import type { DomainMethods, Handlers } from './handlers.ts';
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
      const { context } = session;
      refuseWhereBlind(context.workspace);
      const dir = await session.grants.check(modelDir);
      const score = (control: JobControl): Promise<unknown> =>
        scorePairs(
          context,
          { modelDir: dir, execution: { threads, device } },
          {
            ...control,
            onScores: () => {
              session.changed('scores');
            },
          },
        );
      const job = session.jobs.start({
        ...{ kind: 'scorePairs', title: `Score pairs with ${basename(dir)}`, run: score },
        // What is scored is stored: again is on.
        resume: (_, control) => score(control),
      });
      return { jobId: job.id };
    },
    'audit.scoredModels': () => scoredModels(session.context),
    'audit.scoredRuns': () => scoredRuns(session.context),
  };
}
