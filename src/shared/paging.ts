import { z } from 'zod';

/** Most rows that one call returns. */
export const maxPageSize = 5000;

/** Which part of a long list is wanted: leave the cursor out for the first page, then pass on `next`. */
export const pageRequestSchema = z.strictObject({
  limit: z.int().min(1).max(maxPageSize).default(200),
  cursor: z.string().max(1000).nullable().default(null),
});
export type PageRequest = z.input<typeof pageRequestSchema>;

/** One page; `next` is null after the last one. A cursor is opaque and stays valid while rows are added. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly next: string | null;
}

/** Every row of a list that comes in pages, a page at a time. */
export function* everyRow<Row>(page: (cursor: string | null) => Page<Row>): Generator<Row, undefined> {
  for (let cursor: string | null = null; ;) {
    const { rows, next } = page(cursor);
    yield* rows;
    if (next === null) return;
    cursor = next;
  }
}
