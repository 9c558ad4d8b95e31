import { z } from 'zod';
import { idSchema } from '../../../shared/documents.ts';
import { importerNameSchema } from '../../../shared/import-kinds.ts';
import { auditOrders, scoreNames } from '../../../shared/audit/queue.ts';
import type { AuditFilterInput, AuditQueueInput } from '../../../shared/audit/queue.ts';
import { pairQueues } from '../../../shared/pairs.ts';

/** Bounds as they are typed; null = none. */
const boundsSchema = z.strictObject({ min: z.number().nullable(), max: z.number().nullable() });
export type Bounds = z.infer<typeof boundsSchema>;

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
  scoreOf: z.enum(scoreNames),
  score: boundsSchema,
});
export type AuditView = z.infer<typeof auditViewSchema>;

const open: Bounds = { min: null, max: null };

export const firstView: AuditView = {
  ...{ queue: 'unreviewed', search: '', order: 'made', seed: 1, flags: [], documentType: null },
  ...{ documentCharacters: open, answerCharacters: open, run: null, scoreOf: 'margin', score: open },
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
  return ranges.length + Number(view.flags.length > 0) + Number(view.documentType !== null) + Number(view.run !== null);
}

/** Whether bounds can hold for any number. */
export function inOrder({ min, max }: Bounds): boolean {
  return min === null || max === null || min <= max;
}

function range(bounds: Bounds): { min?: number; max?: number } | undefined {
  const { min, max } = bounds;
  if ((min === null && max === null) || !inOrder(bounds)) return undefined;
  return { ...(min === null ? {} : { min }), ...(max === null ? {} : { max }) };
}

/**
 * The queue that main is asked for. A run that this workspace has no log-ratios of counts as not chosen, and bounds that
 * hold for no number as not set: the fields say so.
 */
export function queueOf(view: AuditView, reviewer: string, runIds: readonly number[]): AuditQueueInput {
  const run = view.run !== null && runIds.includes(view.run) ? view.run : null;
  const [documentCharacters, answerCharacters] = [range(view.documentCharacters), range(view.answerCharacters)];
  const search = view.search.trim();
  const filter: AuditFilterInput = {
    queue: view.queue,
    ...(search === '' ? {} : { search }),
    ...(view.flags.length === 0 ? {} : { flags: view.flags }),
    ...(view.documentType === null ? {} : { documentType: view.documentType }),
    ...(documentCharacters === undefined ? {} : { documentCharacters }),
    ...(answerCharacters === undefined ? {} : { answerCharacters }),
    ...(run === null ? {} : { score: { runId: run, of: view.scoreOf, range: range(view.score) ?? {} } }),
  };
  const order = view.order === 'margin' && run === null ? 'made' : view.order;
  return { filter, order, seed: view.seed, reviewer };
}
