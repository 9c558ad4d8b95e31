import { z } from 'zod';
import { auditFilterSchema, auditOrders } from './queue.ts';

/** A draw out of a workspace. */
export const simpleDrawSchema = z.strictObject({
  order: z.enum(auditOrders),
  seed: z.int().min(0).max(0xffffffff),
  filter: auditFilterSchema,
  /** The reviewer went to the pair by hand instead of taking the next one. */
  picked: z.boolean(),
});

/** How a reviewed pair came before the reviewer. In a review bundle: how within it, and how the bundle was drawn. */
export const drawSchema = simpleDrawSchema.extend({ bundle: simpleDrawSchema.optional() });
export type Draw = z.infer<typeof drawSchema>;

/**
 * `random`: shuffled, out of all pairs. `random_within_filters`: shuffled, out of the pairs that fit a filter.
 * `in_order`: in a fixed order, so early pairs are more likely. `picked`: chosen by the reviewer. `unknown`: not noted.
 */
export type DrawKind = 'random' | 'random_within_filters' | 'in_order' | 'picked' | 'unknown';

/** Whether a filter leaves out pairs for another reason than that they are reviewed already. */
export function narrows(filter: Draw['filter']): boolean {
  const { queue, ...rest } = filter;
  return (queue !== 'all' && queue !== 'unreviewed') || Object.values(rest).some((value) => value !== undefined);
}

/** What kind of sample a draw gives; null = no draw was noted. */
export function drawKind(draw: Draw | null): DrawKind {
  if (draw === null) return 'unknown';
  const { bundle, ...own } = draw;
  if (bundle === undefined) return simpleKind(own);
  const kind = simpleKind(bundle);
  if (own.picked) return 'picked';
  const random = kind === 'random' || kind === 'random_within_filters';
  // A bundle keeps the order of its draw: going through it in order, or shuffled again, is as random as the bundle is.
  if (!random || own.order === 'margin') return 'in_order';
  if (!narrows(own.filter)) return kind;
  return own.order === 'random' ? 'random_within_filters' : 'in_order';
}

function simpleKind({ order, filter, picked }: Omit<Draw, 'bundle'>): DrawKind {
  if (picked) return 'picked';
  if (order !== 'random') return 'in_order';
  return narrows(filter) ? 'random_within_filters' : 'random';
}
