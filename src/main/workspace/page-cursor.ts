import { UserError } from '../../shared/errors.ts';
import type { Page } from '../../shared/paging.ts';

/** The id that a list ordered by id goes on after; 0 = from the start. */
export function idOfCursor(cursor: string | null): number {
  if (cursor === null) return 0;
  if (!/^\d{1,15}$/.test(cursor)) {
    throw new UserError('invalid_input', 'The cursor of the list is not one that Longhand made.', {
      place: { field: 'cursor' },
    });
  }
  return Number(cursor);
}

/** One page out of up to `limit + 1` rows; the extra row only tells that there is more. */
export function pageOf<Row>(rows: readonly Row[], limit: number, idOf: (row: Row) => number): Page<Row> {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return { rows: page, next: rows.length > limit && last !== undefined ? String(idOf(last)) : null };
}

/** A text as a LIKE pattern that finds it anywhere (`ESCAPE '\'`). */
export function containing(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`;
}
