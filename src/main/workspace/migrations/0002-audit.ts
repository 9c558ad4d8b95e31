import type { Migration } from './migration.ts';

/** What the audit needs: each reviewer's standing verdict, how pairs were drawn, scores by pair, review bundles. */
export const audit: Migration = {
  version: 2,
  name: 'audit',
  sql: `
-- How pairs came before a reviewer, as JSON; few different ones.
CREATE TABLE draws (
  id INTEGER PRIMARY KEY,
  content TEXT NOT NULL UNIQUE
) STRICT;
ALTER TABLE reviews ADD COLUMN draw_id INTEGER REFERENCES draws (id);
CREATE INDEX reviews_by_reviewer ON reviews (reviewer, id);

-- Each reviewer's latest verdict that was not undone. Follows from reviews, as pair_states does.
CREATE TABLE pair_opinions (
  pair_id INTEGER NOT NULL REFERENCES pairs (id),
  reviewer TEXT NOT NULL,
  review_id INTEGER NOT NULL REFERENCES reviews (id),
  verdict TEXT NOT NULL,
  PRIMARY KEY (pair_id, reviewer)
) STRICT, WITHOUT ROWID;
CREATE INDEX opinions_by_reviewer ON pair_opinions (reviewer, pair_id);

-- From a pair's newest review to its oldest, with the reviews that are taken back.
WITH RECURSIVE walk (pair_id, id, holds, undone) AS (
  SELECT pair_id, max(id), 1, CASE WHEN undoes IS NULL THEN '[]' ELSE json_array(undoes) END
  FROM reviews GROUP BY pair_id
  UNION ALL
  SELECT w.pair_id, r.id, r.id NOT IN (SELECT value FROM json_each(w.undone)),
    CASE WHEN r.undoes IS NULL OR r.id IN (SELECT value FROM json_each(w.undone)) THEN w.undone
      ELSE json_insert(w.undone, '$[#]', r.undoes) END
  FROM walk w JOIN reviews r
    ON r.id = (SELECT max(o.id) FROM reviews o WHERE o.pair_id = w.pair_id AND o.id < w.id)
)
INSERT INTO pair_opinions (pair_id, reviewer, review_id, verdict)
SELECT r.pair_id, r.reviewer, max(r.id), r.verdict
FROM walk w JOIN reviews r ON r.id = w.id
WHERE w.holds AND r.verdict IS NOT NULL
GROUP BY r.pair_id, r.reviewer;

-- Sums over a pair's answer tokens in one run, in nats, the latest ones: policy on the long input, reference on the short.
CREATE TABLE pair_logps (
  run_id INTEGER NOT NULL REFERENCES runs (id),
  pair_id INTEGER NOT NULL REFERENCES pairs (id),
  step INTEGER NOT NULL,
  policy_chosen REAL NOT NULL,
  policy_rejected REAL NOT NULL,
  reference_chosen REAL NOT NULL,
  reference_rejected REAL NOT NULL,
  PRIMARY KEY (run_id, pair_id)
) STRICT, WITHOUT ROWID;

-- The review bundle that this workspace was made from, if it was.
CREATE TABLE opened_bundle (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  bundle_id TEXT NOT NULL,
  -- Names the reviews given here wherever they are imported.
  audit_id TEXT NOT NULL,
  header TEXT NOT NULL,
  opened_at INTEGER NOT NULL
) STRICT;
CREATE TABLE bundle_pairs (
  pair_id INTEGER PRIMARY KEY REFERENCES pairs (id),
  -- The pair's number and hash where the bundle was made.
  origin_id INTEGER NOT NULL,
  origin_sha256 TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;

-- Reviews that came from elsewhere, by the hash of all that they say: the same one is never imported twice.
CREATE TABLE imported_reviews (
  sha256 TEXT PRIMARY KEY,
  audit_id TEXT NOT NULL,
  review_id INTEGER NOT NULL UNIQUE REFERENCES reviews (id)
) STRICT, WITHOUT ROWID;
`,
};
