import type { ShownVerdict } from '../../../shared/audit/answer-order.ts';

/** Verdicts that were given or taken back since the queue was asked for, by pair. */
export type Marks = ReadonlyMap<number, ShownVerdict | null>;

/**
 * The pair that comes after `after` in a queue. `returns`: pairs with a verdict by now are passed over, and from the end
 * it goes on at the start, so that pairs passed over come again (the queue of unreviewed pairs).
 * @returns null when there is none
 */
export function nextInQueue(
  ids: readonly number[],
  after: number | null,
  marks: Marks,
  returns: boolean,
): number | null {
  const from = after === null ? 0 : ids.indexOf(after) + 1;
  if (!returns) return ids[from] ?? null;
  const waits = (id: number): boolean => id !== after && (marks.get(id) ?? null) === null;
  for (let i = 0; i < ids.length; i += 1) {
    const id = ids[(from + i) % ids.length];
    if (id !== undefined && waits(id)) return id;
  }
  return null;
}
