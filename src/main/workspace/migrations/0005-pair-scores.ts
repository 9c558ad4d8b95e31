import type { Migration } from './migration.ts';

/** Log-probabilities of pairs under a frozen model, for the audit of pairs that no run has read. */
export const pairScores: Migration = {
  version: 5,
  name: 'pair-scores',
  sql: `
-- Sums over a pair's answer tokens under the model as it is, on the short input, in nats.
CREATE TABLE pair_scores (
  model_fingerprint TEXT NOT NULL,
  pair_id INTEGER NOT NULL REFERENCES pairs (id),
  -- The texts that were scored; after an edit the row says nothing of the pair as it is.
  revision INTEGER NOT NULL,
  chosen REAL NOT NULL,
  rejected REAL NOT NULL,
  PRIMARY KEY (model_fingerprint, pair_id)
) STRICT, WITHOUT ROWID;
`,
};
