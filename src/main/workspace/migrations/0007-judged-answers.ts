import type { Migration } from './migration.ts';

/** Answers are kept for good, except that one that waits for its judge gives way to itself with the rating. */
export const judgedAnswers: Migration = {
  version: 7,
  name: 'judged-answers',
  sql: `
DROP TRIGGER items_no_delete;
CREATE TRIGGER items_no_delete BEFORE DELETE ON evaluation_items WHEN coalesce(OLD.detail ->> '$.pending', 0) <> 1
  BEGIN SELECT RAISE(ABORT, 'answers are kept'); END;
`,
};
