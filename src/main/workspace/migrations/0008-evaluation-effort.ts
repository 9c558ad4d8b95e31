import type { Migration } from './migration.ts';

/** What an evaluation that was done in one go took, so that the next one's time can be told before it starts. */
export const evaluationEffort: Migration = {
  version: 8,
  name: 'evaluation-effort',
  sql: `
ALTER TABLE evaluations ADD COLUMN effort TEXT;
CREATE INDEX evaluations_by_model ON evaluations (model_fingerprint) WHERE effort IS NOT NULL;
`,
};
