import type { Migration } from './migration.ts';

/** A number of the workspace's own for the order of sides in blind audit: without it nobody can work the order out. */
export const auditSeed: Migration = {
  version: 6,
  name: 'audit-seed',
  sql: `
CREATE TABLE audit_seed (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  seed INTEGER NOT NULL CHECK (seed BETWEEN 0 AND 4294967295)
) STRICT;
INSERT INTO audit_seed (id, seed) VALUES (1, random() & 4294967295);
`,
};
