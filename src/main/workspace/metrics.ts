import { UserError } from '../../shared/errors.ts';
import type { MetricRow } from '../../shared/metrics.ts';
import { maxPageSize } from '../../shared/paging.ts';
import type { RepositoryContext } from './events.ts';

/** What a reader has not seen yet. */
export interface MetricsPage {
  readonly rows: readonly MetricRow[];
  /** Pass it to the next call. */
  readonly cursor: string;
  /** Rows that the reader holds were cut off: forget all of them, these rows start over. */
  readonly reset: boolean;
  /** There are more rows right now. */
  readonly more: boolean;
}

/** Measured values of runs as narrow rows: one value for each run, step and key. */
export function metricRepository({ database, events }: RepositoryContext) {
  const insert = database.prepare<[number, number, string, number, number]>(
    'INSERT INTO metrics (run_id, step, key, value, batch) VALUES (?, ?, ?, ?, ?)',
  );
  const lastBatch = database.prepare<[number], { batch: number }>(
    'SELECT coalesce(max(batch), 0) AS batch FROM metric_batches WHERE run_id = ?',
  );
  const insertBatch = database.prepare<[number, number, number]>(
    'INSERT INTO metric_batches (run_id, batch, step) VALUES (?, ?, ?)',
  );
  const epoch = database.prepare<[number], { epoch: number }>('SELECT metric_epoch AS epoch FROM runs WHERE id = ?');
  const since = database.prepare<
    [{ run: number; batch: number; step: number; key: string; limit: number }],
    { batch: number; step: number; key: MetricRow['key']; value: number | null }
  >(`
    SELECT b.batch, b.step, m.key, m.value FROM metric_batches b
      JOIN metrics m ON m.run_id = b.run_id AND m.step = b.step AND m.batch = b.batch
    WHERE b.run_id = @run AND (b.batch, b.step) >= (@batch, @step) AND (b.batch, b.step, m.key) > (@batch, @step, @key)
    ORDER BY b.batch, b.step, m.key LIMIT @limit`);
  const countAfter = database.prepare<[number, number], { rows: number; last: number | null }>(
    'SELECT count(*) AS rows, max(step) AS last FROM metrics WHERE run_id = ? AND step > ?',
  );
  const cutMetrics = database.prepare<[number, number]>('DELETE FROM metrics WHERE run_id = ? AND step > ?');
  const cutBatches = database.prepare<[number, number]>('DELETE FROM metric_batches WHERE run_id = ? AND step > ?');
  const bumpEpoch = database.prepare<[number]>('UPDATE runs SET metric_epoch = metric_epoch + 1 WHERE id = ?');
  const atStep = database.prepare<[number, number], { key: MetricRow['key']; value: number | null }>(
    'SELECT key, value FROM metrics WHERE run_id = ? AND step = ? ORDER BY key',
  );

  /** SQLite stores NaN as NULL. */
  const valueOf = (stored: number | null): number => stored ?? Number.NaN;
  const epochOf = (run: number): number => {
    const found = epoch.get(run);
    if (found === undefined) throw new UserError('not_found', `There is no run ${run} in this workspace.`);
    return found.epoch;
  };

  return {
    /**
     * Adds values, all or nothing; when it returns they are on the disk. A value that is there already (same run, step
     * and key) is a defect and throws: after a resume, call `truncateAfter` first.
     */
    append: database.transaction((run: number, rows: readonly MetricRow[]): void => {
      const batch = (lastBatch.get(run)?.batch ?? 0) + 1;
      const steps = new Set<number>();
      for (const { step, key, value } of rows) {
        insert.run(run, step, key, value, batch);
        steps.add(step);
      }
      for (const step of steps) insertBatch.run(run, batch, step);
    }),

    /**
     * The values that were added after `cursor` (null = from the start), in the order they came, at most `limit`.
     * Errors: `not_found` for the run, `invalid_input` for the cursor.
     */
    since(run: number, cursor: string | null, limit = maxPageSize): MetricsPage {
      const present = epochOf(run);
      const seen = cursor === null ? null : parseCursor(cursor);
      const reset = seen !== null && seen.epoch !== present;
      const from = seen === null || reset ? { batch: 0, step: 0, key: '' } : seen;
      const { batch, step, key } = from;
      const found = since.all({ run, batch, step, key, limit: limit + 1 });
      const page = found.slice(0, limit);
      const last = page.at(-1) ?? from;
      return {
        rows: page.map((row) => ({ step: row.step, key: row.key, value: valueOf(row.value) })),
        cursor: JSON.stringify([present, last.batch, last.step, last.key]),
        reset,
        more: found.length > limit,
      };
    },

    /** All values of one step. */
    atStep(run: number, step: number): readonly MetricRow[] {
      return atStep.all(run, step).map(({ key, value }) => ({ step, key, value: valueOf(value) }));
    },

    /**
     * Cuts off every value after `step`, so that a run resumed from its checkpoint at `step` appends without
     * duplicates or gaps. Noted as an event; readers are told to start over. Returns the number of values removed.
     */
    truncateAfter: database.transaction((run: number, step: number): number => {
      epochOf(run);
      const { rows, last } = countAfter.get(run, step) ?? { rows: 0, last: null };
      if (rows === 0) return 0;
      cutMetrics.run(run, step);
      cutBatches.run(run, step);
      bumpEpoch.run(run);
      events.add('metrics_truncated', `run/${run}`, { afterStep: step, lastStep: last, rows });
      return rows;
    }),
  };
}

function parseCursor(cursor: string): { epoch: number; batch: number; step: number; key: string } {
  let parts: unknown;
  try {
    parts = JSON.parse(cursor);
  } catch {
    parts = undefined;
  }
  if (Array.isArray(parts) && parts.length === 4) {
    const [epoch, batch, step, key] = parts as unknown[];
    if (
      Number.isSafeInteger(epoch) &&
      Number.isSafeInteger(batch) &&
      Number.isSafeInteger(step) &&
      typeof key === 'string'
    ) {
      return { epoch: Number(epoch), batch: Number(batch), step: Number(step), key };
    }
  }
  throw new UserError('invalid_input', 'The cursor of the metrics is not one that Longhand made.', {
    place: { field: 'cursor' },
  });
}
