import type { Migration } from './migration.ts';

/**
 * The first schema. Times are milliseconds since 1970. Rows that others rely on cannot be changed or deleted (triggers);
 * what a person puts away is archived. Texts stand last in their row, so that lists never read them.
 */
export const initial: Migration = {
  version: 1,
  name: 'initial',
  sql: `
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_subject ON events (subject, id);

CREATE TABLE models (
  fingerprint TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  path TEXT NOT NULL,
  info TEXT NOT NULL,
  added_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Content store. An import writes texts ahead in small pieces; only rows in documents make them visible.
CREATE TABLE texts (
  id INTEGER PRIMARY KEY,
  sha256 TEXT NOT NULL UNIQUE,
  text TEXT NOT NULL
) STRICT;

CREATE TABLE documents (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  sha256 TEXT NOT NULL UNIQUE REFERENCES texts (sha256),
  title TEXT NOT NULL,
  source_path TEXT NOT NULL,
  source_line INTEGER,
  importer TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  characters INTEGER NOT NULL,
  imported_at INTEGER NOT NULL,
  archived_at INTEGER
) STRICT;

CREATE TABLE document_tokens (
  document_id INTEGER NOT NULL REFERENCES documents (id),
  model_fingerprint TEXT NOT NULL,
  tokens INTEGER NOT NULL,
  PRIMARY KEY (document_id, model_fingerprint)
) STRICT, WITHOUT ROWID;

-- One way of cutting: options and tokenizer.
CREATE TABLE chunkings (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  sha256 TEXT NOT NULL UNIQUE,
  config TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE chunks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  document_id INTEGER NOT NULL REFERENCES documents (id),
  chunking_id INTEGER NOT NULL REFERENCES chunkings (id),
  position INTEGER NOT NULL,
  start_offset INTEGER NOT NULL,
  end_offset INTEGER NOT NULL CHECK (end_offset > start_offset),
  tokens INTEGER NOT NULL,
  text TEXT NOT NULL,
  UNIQUE (document_id, chunking_id, position)
) STRICT;

CREATE TABLE generation_jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'paused', 'finished', 'failed', 'cancelled')),
  model_fingerprint TEXT NOT NULL,
  code_version TEXT NOT NULL,
  seed INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  ended_at INTEGER,
  error TEXT,
  config TEXT NOT NULL
) STRICT;

-- What a job has made so far; a job that is started again goes on with what is missing here.
CREATE TABLE generation_steps (
  id INTEGER PRIMARY KEY,
  job_id INTEGER NOT NULL REFERENCES generation_jobs (id),
  chunk_id INTEGER NOT NULL REFERENCES chunks (id),
  turn INTEGER NOT NULL,
  stage TEXT NOT NULL,
  done_at INTEGER NOT NULL,
  output TEXT NOT NULL,
  UNIQUE (job_id, chunk_id, turn, stage)
) STRICT;

CREATE TABLE provenances (
  id INTEGER PRIMARY KEY,
  sha256 TEXT NOT NULL UNIQUE,
  content TEXT NOT NULL
) STRICT;

CREATE TABLE samples (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  document_id INTEGER NOT NULL REFERENCES documents (id),
  job_id INTEGER REFERENCES generation_jobs (id),
  provenance_id INTEGER NOT NULL REFERENCES provenances (id),
  context TEXT NOT NULL CHECK (context IN ('document', 'chunks')),
  context_sha256 TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX samples_by_document ON samples (document_id);
CREATE INDEX samples_by_job ON samples (job_id);

-- The chunks that make up the long text, where it is not the whole document.
CREATE TABLE sample_chunks (
  sample_id INTEGER NOT NULL REFERENCES samples (id),
  position INTEGER NOT NULL,
  chunk_id INTEGER NOT NULL REFERENCES chunks (id),
  PRIMARY KEY (sample_id, position)
) STRICT, WITHOUT ROWID;

-- As generated, for ever. Edits are reviews.
CREATE TABLE pairs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  sample_id INTEGER NOT NULL REFERENCES samples (id),
  turn INTEGER NOT NULL,
  document_id INTEGER NOT NULL REFERENCES documents (id),
  chunk_id INTEGER NOT NULL REFERENCES chunks (id),
  seed INTEGER NOT NULL,
  flags TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  question TEXT NOT NULL,
  chosen TEXT NOT NULL,
  rejected TEXT NOT NULL,
  UNIQUE (sample_id, turn)
) STRICT;
CREATE INDEX pairs_by_document ON pairs (document_id);
CREATE INDEX pairs_by_chunk ON pairs (chunk_id);

CREATE TABLE reviews (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  pair_id INTEGER NOT NULL REFERENCES pairs (id),
  reviewer TEXT NOT NULL,
  verdict TEXT,
  undoes INTEGER REFERENCES reviews (id),
  blind INTEGER NOT NULL CHECK (blind IN (0, 1)),
  milliseconds INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  -- For an edit: the complete texts after it, and the hash of the pair with them.
  sha256 TEXT,
  comment TEXT,
  edit TEXT,
  CHECK ((edit IS NULL) = (sha256 IS NULL))
) STRICT;
CREATE INDEX reviews_by_pair ON reviews (pair_id, id);

-- Follows from pairs and reviews; kept apart and small so that queues are fast to count.
CREATE TABLE pair_states (
  pair_id INTEGER PRIMARY KEY REFERENCES pairs (id),
  verdict TEXT,
  disagreement INTEGER NOT NULL DEFAULT 0,
  revision INTEGER NOT NULL DEFAULT 0,
  flagged INTEGER NOT NULL,
  archived_at INTEGER
) STRICT;

-- Sums a turn, as JSON lists; key: the frozen model, its RoPE and the exact texts.
CREATE TABLE reference_logps (
  model_fingerprint TEXT NOT NULL,
  rope TEXT NOT NULL,
  text_sha256 TEXT NOT NULL,
  chosen TEXT NOT NULL,
  rejected TEXT NOT NULL,
  PRIMARY KEY (model_fingerprint, rope, text_sha256)
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'paused', 'finished', 'failed', 'cancelled')),
  objective TEXT NOT NULL,
  model_fingerprint TEXT NOT NULL,
  code_version TEXT NOT NULL,
  seed INTEGER NOT NULL,
  data_sha256 TEXT NOT NULL,
  pair_count INTEGER NOT NULL,
  held_out_count INTEGER NOT NULL,
  parent_run_id INTEGER REFERENCES runs (id),
  parent_checkpoint_id INTEGER REFERENCES checkpoints (id),
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  ended_at INTEGER,
  archived_at INTEGER,
  -- Grows when metrics are cut off, so that a reader knows to start over.
  metric_epoch INTEGER NOT NULL DEFAULT 0,
  error TEXT,
  config TEXT NOT NULL
) STRICT;

-- Ordered [pair id, revision] lists, as JSON.
CREATE TABLE run_data (
  run_id INTEGER PRIMARY KEY REFERENCES runs (id),
  pairs TEXT NOT NULL,
  held_out TEXT NOT NULL
) STRICT;

-- A value of NULL is NaN.
CREATE TABLE metrics (
  run_id INTEGER NOT NULL REFERENCES runs (id),
  step INTEGER NOT NULL,
  key TEXT NOT NULL,
  value REAL,
  batch INTEGER NOT NULL,
  PRIMARY KEY (run_id, step, key)
) STRICT, WITHOUT ROWID;

-- The steps of each appended batch, in order of arrival: what a reader has not seen yet.
CREATE TABLE metric_batches (
  run_id INTEGER NOT NULL REFERENCES runs (id),
  batch INTEGER NOT NULL,
  step INTEGER NOT NULL,
  PRIMARY KEY (run_id, batch, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoints (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id INTEGER NOT NULL REFERENCES runs (id),
  step INTEGER NOT NULL,
  path TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  pinned INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1)),
  created_at INTEGER NOT NULL,
  removed_at INTEGER
) STRICT;
CREATE UNIQUE INDEX checkpoints_present ON checkpoints (run_id, step) WHERE removed_at IS NULL;

CREATE TABLE evaluations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'paused', 'finished', 'failed', 'cancelled')),
  set_name TEXT NOT NULL,
  set_sha256 TEXT NOT NULL,
  kind TEXT NOT NULL,
  model_fingerprint TEXT NOT NULL,
  run_id INTEGER REFERENCES runs (id),
  checkpoint_id INTEGER REFERENCES checkpoints (id),
  code_version TEXT NOT NULL,
  seed INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  ended_at INTEGER,
  error TEXT,
  summary TEXT,
  config TEXT NOT NULL
) STRICT;
CREATE INDEX evaluations_by_run ON evaluations (run_id);

CREATE TABLE evaluation_items (
  evaluation_id INTEGER NOT NULL REFERENCES evaluations (id),
  position INTEGER NOT NULL,
  score REAL NOT NULL,
  question TEXT NOT NULL,
  expected TEXT NOT NULL,
  answer TEXT NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY (evaluation_id, position)
) STRICT;

CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_no_delete BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER reviews_no_update BEFORE UPDATE ON reviews BEGIN SELECT RAISE(ABORT, 'reviews are append-only'); END;
CREATE TRIGGER reviews_no_delete BEFORE DELETE ON reviews BEGIN SELECT RAISE(ABORT, 'reviews are append-only'); END;
CREATE TRIGGER texts_no_update BEFORE UPDATE ON texts BEGIN SELECT RAISE(ABORT, 'texts are immutable'); END;
CREATE TRIGGER documents_no_delete BEFORE DELETE ON documents BEGIN SELECT RAISE(ABORT, 'documents are archived'); END;
CREATE TRIGGER chunks_no_update BEFORE UPDATE ON chunks BEGIN SELECT RAISE(ABORT, 'chunks are immutable'); END;
CREATE TRIGGER chunks_no_delete BEFORE DELETE ON chunks BEGIN SELECT RAISE(ABORT, 'chunks are kept'); END;
CREATE TRIGGER samples_no_update BEFORE UPDATE ON samples BEGIN SELECT RAISE(ABORT, 'samples are immutable'); END;
CREATE TRIGGER samples_no_delete BEFORE DELETE ON samples BEGIN SELECT RAISE(ABORT, 'samples are kept'); END;
CREATE TRIGGER pairs_no_update BEFORE UPDATE ON pairs BEGIN SELECT RAISE(ABORT, 'pairs are immutable'); END;
CREATE TRIGGER pairs_no_delete BEFORE DELETE ON pairs BEGIN SELECT RAISE(ABORT, 'pairs are archived'); END;
CREATE TRIGGER runs_snapshot BEFORE UPDATE OF config, objective, model_fingerprint, code_version, seed, data_sha256,
  pair_count, held_out_count, parent_run_id, parent_checkpoint_id, created_at ON runs
BEGIN SELECT RAISE(ABORT, 'the configuration of a run is immutable'); END;
CREATE TRIGGER runs_no_delete BEFORE DELETE ON runs BEGIN SELECT RAISE(ABORT, 'runs are archived'); END;
CREATE TRIGGER run_data_no_update BEFORE UPDATE ON run_data BEGIN SELECT RAISE(ABORT, 'the data of a run is immutable'); END;
CREATE TRIGGER run_data_no_delete BEFORE DELETE ON run_data BEGIN SELECT RAISE(ABORT, 'the data of a run is kept'); END;
CREATE TRIGGER checkpoints_no_delete BEFORE DELETE ON checkpoints BEGIN SELECT RAISE(ABORT, 'checkpoint rows are kept'); END;
CREATE TRIGGER items_no_update BEFORE UPDATE ON evaluation_items BEGIN SELECT RAISE(ABORT, 'answers are immutable'); END;
CREATE TRIGGER items_no_delete BEFORE DELETE ON evaluation_items BEGIN SELECT RAISE(ABORT, 'answers are kept'); END;
`,
};
