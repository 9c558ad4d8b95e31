import { UserError } from '../../shared/errors.ts';
import type { MetricCurve, MetricName, MetricRow } from '../../shared/metrics.ts';
import { maxPageSize } from '../../shared/paging.ts';
import type { RepositoryContext } from './events.ts';
import { missingRun } from './missing-run.ts';
import { extremeSteps, fillExtremes } from './migrations/0003-metric-extremes.ts';

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

/** A run at a glance, however long it is. */
export interface MetricsOverview {
  /** The lowest and highest values of each stretch of steps, and all values of the first and last step. */
  readonly curves: readonly MetricCurve[];
  /** What comes later is read from here. */
  readonly cursor: string;
}

/** Stretches that an overview divides a run into, at most. */
const overviewStretches = 640;

/** The lowest and highest finite value of each metric in each stretch of steps. */
function extremesOf(rows: readonly MetricRow[]) {
  const found = new Map<string, { key: MetricName; bucket: number; lowest: MetricRow; highest: MetricRow }>();
  for (const row of rows) {
    if (!Number.isFinite(row.value)) continue;
    const bucket = Math.floor(row.step / extremeSteps);
    const id = `${bucket} ${row.key}`;
    const known = found.get(id);
    if (known === undefined) found.set(id, { key: row.key, bucket, lowest: row, highest: row });
    else if (row.value < known.lowest.value) known.lowest = row;
    else if (row.value > known.highest.value) known.highest = row;
  }
  return found.values();
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

  const keepLowest = database.prepare<[number, string, number, number, number]>(`
    INSERT INTO metric_extremes (run_id, key, bucket, high, step, value) VALUES (?, ?, ?, 0, ?, ?)
    ON CONFLICT DO UPDATE SET step = excluded.step, value = excluded.value WHERE excluded.value < value`);
  const keepHighest = database.prepare<[number, string, number, number, number]>(`
    INSERT INTO metric_extremes (run_id, key, bucket, high, step, value) VALUES (?, ?, ?, 1, ?, ?)
    ON CONFLICT DO UPDATE SET step = excluded.step, value = excluded.value WHERE excluded.value > value`);
  const cutExtremes = database.prepare<[number, number]>(
    'DELETE FROM metric_extremes WHERE run_id = ? AND bucket >= ?',
  );
  const refill = fillExtremes('run_id = ? AND step >= ?').map((sql) => database.prepare<[number, number]>(sql));
  const ends = database.prepare<[number, number], { first: number | null; last: number | null }>(`
    SELECT (SELECT min(step) FROM metrics WHERE run_id = ?) AS first, (SELECT max(step) FROM metrics WHERE run_id = ?) AS last`);
  // SQLite takes the step from the row that has the lowest (or highest) value.
  const extreme = (name: 'min' | 'max', high: 0 | 1): string => `
    SELECT key, bucket / CAST(@stretch AS INTEGER) AS place, step, ${name}(value) AS value FROM metric_extremes
    WHERE run_id = @run AND high = ${high} GROUP BY key, place`;
  const overview = database.prepare<
    [{ run: number; stretch: number }],
    { key: MetricName; place: number; step: number; value: number }
  >(`${extreme('min', 0)} UNION ALL ${extreme('max', 1)} ORDER BY key, step`);

  /** SQLite stores NaN as NULL. */
  const valueOf = (stored: number | null): number => stored ?? Number.NaN;
  const epochOf = (run: number): number => {
    const found = epoch.get(run);
    if (found === undefined) throw missingRun(run);
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
      for (const { key, bucket, lowest, highest } of extremesOf(rows)) {
        keepLowest.run(run, key, bucket, lowest.step, lowest.value);
        keepHighest.run(run, key, bucket, highest.step, highest.value);
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

    /**
     * A run at a glance: a few thousand values, whatever its length. Peaks are never left out; NaN and infinities are,
     * unless they are of the first or last step. Errors: `not_found`.
     */
    overview(run: number): MetricsOverview {
      const cursor = JSON.stringify([epochOf(run), lastBatch.get(run)?.batch ?? 0, Number.MAX_SAFE_INTEGER, '']);
      const { first, last } = ends.get(run, run) ?? { first: null, last: null };
      if (first === null || last === null) return { curves: [], cursor };
      const buckets = Math.floor(last / extremeSteps) - Math.floor(first / extremeSteps) + 1;
      const curves = new Map<MetricName, { steps: number[]; values: number[] }>();
      const put = (key: MetricName, step: number, value: number): void => {
        const curve = curves.get(key);
        if (curve === undefined) curves.set(key, { steps: [step], values: [value] });
        // One value can be the lowest and the highest.
        else if (curve.steps.at(-1) !== step) {
          curve.steps.push(step);
          curve.values.push(value);
        }
      };
      for (const { key, value } of atStep.all(run, first)) put(key, first, valueOf(value));
      const stretch = Math.ceil(buckets / overviewStretches);
      for (const { key, step, value } of overview.all({ run, stretch })) put(key, step, value);
      for (const { key, value } of atStep.all(run, last)) put(key, last, valueOf(value));
      return { curves: [...curves].map(([key, curve]) => ({ key, ...curve })), cursor };
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
      const bucket = Math.floor((step + 1) / extremeSteps);
      cutExtremes.run(run, bucket);
      for (const statement of refill) statement.run(run, bucket * extremeSteps);
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
