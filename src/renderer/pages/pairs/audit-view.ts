import { z } from 'zod';
import { idSchema } from '../../../shared/documents.ts';
import { importerNameSchema } from '../../../shared/import-kinds.ts';
import { auditOrders, scoreNames } from '../../../shared/audit/queue.ts';
import type { AuditFilterInput, AuditQueueInput } from '../../../shared/audit/queue.ts';
import { boundsSchema, noBounds, rangeOf } from '../../components/bounds.ts';
import { chosenSource } from '../../components/score-source.ts';
import type { ScoreSources } from '../../components/score-source.ts';
import { pairQueues } from '../../../shared/pairs.ts';

/** What the person set up to look at; kept from one start to the next. */
export const auditViewSchema = z.strictObject({
  queue: z.enum(pairQueues),
  search: z.string().max(1000),
  order: z.enum(auditOrders),
  seed: z.int().min(0).max(0xffffffff),
  flags: z.array(z.string().min(1)).max(100),
  documentType: importerNameSchema.nullable(),
  documentCharacters: boundsSchema,
  answerCharacters: boundsSchema,
  /** Run whose log-ratios are looked at. */
  run: idSchema.nullable(),
  /** Model whose scores are looked at instead. */
  model: z.string().min(1).nullable().default(null),
  scoreOf: z.enum(scoreNames),
  score: boundsSchema,
});
export type AuditView = z.infer<typeof auditViewSchema>;

export const firstView: AuditView = {
  ...{ queue: 'unreviewed', search: '', order: 'made', seed: 1, flags: [], documentType: null },
  ...{
    documentCharacters: noBounds,
    answerCharacters: noBounds,
    run: null,
    model: null,
    scoreOf: 'margin',
    score: noBounds,
  },
};

/** The view without what the filter panel sets. */
export function withoutFilters(view: AuditView): AuditView {
  const { queue, search, order, seed } = view;
  return { ...firstView, queue, search, seed, order: order === 'margin' ? 'made' : order };
}

/** How many of the panel's filters narrow the queue. */
export function filterCount(view: AuditView): number {
  const ranges = [view.documentCharacters, view.answerCharacters].filter(
    ({ min, max }) => min !== null || max !== null,
  );
  return (
    ranges.length +
    Number(view.flags.length > 0) +
    Number(view.documentType !== null) +
    Number(view.run !== null || view.model !== null)
  );
}

/**
 * The queue that main is asked for. A run or model that this workspace has no figures of counts as not chosen, and bounds
 * that hold for no number as not set: the fields say so.
 */
export function queueOf(view: AuditView, reviewer: string, sources: ScoreSources): AuditQueueInput {
  const source = chosenSource(view, sources);
  const [documentCharacters, answerCharacters] = [rangeOf(view.documentCharacters), rangeOf(view.answerCharacters)];
  const search = view.search.trim();
  const filter: AuditFilterInput = {
    queue: view.queue,
    ...(search === '' ? {} : { search }),
    ...(view.flags.length === 0 ? {} : { flags: view.flags }),
    ...(view.documentType === null ? {} : { documentType: view.documentType }),
    ...(documentCharacters === undefined ? {} : { documentCharacters }),
    ...(answerCharacters === undefined ? {} : { answerCharacters }),
    ...(source === null ? {} : { score: { ...source, of: view.scoreOf, range: rangeOf(view.score) ?? {} } }),
  };
  const order = view.order === 'margin' && source === null ? 'made' : view.order;
  return { filter, order, seed: view.seed, reviewer };
}
