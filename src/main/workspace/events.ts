import { pageRequestSchema } from '../../shared/paging.ts';
import type { Page, PageRequest } from '../../shared/paging.ts';
import type { Database } from './database.ts';
import { idOfCursor, pageOf } from './page-cursor.ts';

/** Something that happened to the workspace; events are only ever added. */
export interface EventRow {
  readonly id: number;
  readonly at: number;
  /** Such as `documents_imported` or `run_status`. */
  readonly kind: string;
  /** What it happened to, such as `run/3`; '' = the workspace. */
  readonly subject: string;
  readonly detail: unknown;
}

/** What every repository shares. */
export interface RepositoryContext {
  readonly database: Database;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly events: EventRepository;
}

export type EventRepository = ReturnType<typeof eventRepository>;

/** Events of the workspace, newest last. */
export function eventRepository(database: Database, now: () => number) {
  const insert = database.prepare<[number, string, string, string]>(
    'INSERT INTO events (at, kind, subject, detail) VALUES (?, ?, ?, ?)',
  );
  type Stored = Omit<EventRow, 'detail'> & { readonly detail: string };
  const list = database.prepare<[number, number], Stored>('SELECT * FROM events WHERE id > ? ORDER BY id LIMIT ?');
  const latest = database.prepare<[number], Stored>('SELECT * FROM events ORDER BY id DESC LIMIT ?');
  const listOfSubject = database.prepare<[string, number, number], Stored>(
    'SELECT * FROM events WHERE subject = ? AND id > ? ORDER BY id LIMIT ?',
  );

  const latestOfSubject = database.prepare<[string], Stored>(
    'SELECT * FROM events WHERE subject = ? ORDER BY id DESC LIMIT 1',
  );

  const toRow = (stored: Stored): EventRow => ({ ...stored, detail: JSON.parse(stored.detail) as unknown });

  return {
    /** Adds one event; inside a transaction it stands or falls with it. */
    add(kind: string, subject: string, detail: unknown): void {
      insert.run(now(), kind, subject, JSON.stringify(detail));
    },

    /** The newest event of a subject. */
    latestOf(subject: string): EventRow | undefined {
      const stored = latestOfSubject.get(subject);
      return stored === undefined ? undefined : toRow(stored);
    },

    /** Events in the order they happened, of one subject or of all. */
    list(request: PageRequest & { subject?: string } = {}): Page<EventRow> {
      const { subject, ...page } = request;
      const { limit, cursor } = pageRequestSchema.parse(page);
      const after = idOfCursor(cursor);
      const rows = subject === undefined ? list.all(after, limit + 1) : listOfSubject.all(subject, after, limit + 1);
      return pageOf(rows.map(toRow), limit, (row) => row.id);
    },

    /** The newest events, newest first. */
    latest(limit: number): readonly EventRow[] {
      return latest.all(limit).map(toRow);
    },
  };
}
