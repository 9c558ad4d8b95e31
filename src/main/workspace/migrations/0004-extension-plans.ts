import type { Migration } from './migration.ts';

/** Plans of the length-extension loop and what each of their stages has come to. */
export const extensionPlans: Migration = {
  version: 4,
  name: 'extension-plans',
  sql: `
CREATE TABLE extension_plans (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'paused', 'finished', 'failed', 'cancelled')),
  code_version TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  ended_at INTEGER,
  error TEXT,
  config TEXT NOT NULL
) STRICT;

CREATE TABLE extension_stages (
  plan_id INTEGER NOT NULL REFERENCES extension_plans (id),
  -- From 1.
  stage INTEGER NOT NULL,
  generation_id INTEGER REFERENCES generation_jobs (id),
  run_id INTEGER REFERENCES runs (id),
  -- Folder below the workspace, once it is whole.
  model_path TEXT,
  -- JSON list of numbers.
  evaluation_ids TEXT NOT NULL DEFAULT '[]',
  finished INTEGER NOT NULL DEFAULT 0 CHECK (finished IN (0, 1)),
  PRIMARY KEY (plan_id, stage)
) STRICT, WITHOUT ROWID;
`,
};
