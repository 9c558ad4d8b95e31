import type { Migration } from './migration.ts';

/** Steps that are summed up together. */
export const extremeSteps = 64;

/** Two statements that compute the extremes of the metrics that `where` names; there must be none of them yet. */
export const fillExtremes = (where: string): readonly string[] =>
  ['min', 'max'].map(
    (extreme, high) => `
INSERT INTO metric_extremes (run_id, key, bucket, high, step, value)
SELECT run_id, key, step / ${extremeSteps} AS bucket, ${high}, step, ${extreme}(value) FROM metrics
WHERE ${where} AND abs(value) < 9e999 GROUP BY run_id, key, bucket;`,
  );

/**
 * The lowest and highest value of each metric in every 64 steps: what a chart of a whole run shows. Follows from the
 * metrics. NaN and infinities are left out.
 */
export const metricExtremes: Migration = {
  version: 3,
  name: 'metric-extremes',
  sql: `
CREATE TABLE metric_extremes (
  run_id INTEGER NOT NULL REFERENCES runs (id),
  key TEXT NOT NULL,
  bucket INTEGER NOT NULL,
  -- 0 = the lowest value, 1 = the highest.
  high INTEGER NOT NULL CHECK (high IN (0, 1)),
  step INTEGER NOT NULL,
  value REAL NOT NULL,
  PRIMARY KEY (run_id, key, bucket, high)
) STRICT, WITHOUT ROWID;
${fillExtremes('TRUE').join('')}
`,
};
