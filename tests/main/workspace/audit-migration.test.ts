import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { expect, test } from 'vitest';
import { initial } from '../../../src/main/workspace/migrations/0001-initial.ts';
import { audit } from '../../../src/main/workspace/migrations/0002-audit.ts';
import { opinionsAfter } from '../../../src/main/workspace/reviews.ts';
import { temporaryFolder } from './fixtures.ts';

test('the verdicts that stand are worked out from the reviews of an older workspace', () => {
  const database = new SqliteDatabase(join(temporaryFolder(), 'workspace.db'));
  database.exec(initial.sql);
  const add = database.prepare(
    `INSERT INTO reviews (id, pair_id, reviewer, verdict, undoes, blind, milliseconds, created_at) VALUES (?, ?, ?, ?, ?, 1, 1, 1)`,
  );
  // A generator with a fixed start: reviewers, verdicts, comments, undos and undos of undos.
  let state = 12345;
  const next = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 16) % below;
  };
  const acts = Array.from({ length: 600 }, (_, i) => {
    const undoes = next(3) === 0 && i > 20 ? i - next(20) : null;
    const verdict = undoes !== null ? null : (['chosen_better', 'both_bad', 'skipped', null][next(4)] ?? null);
    return { id: i + 1, reviewer: ['a', 'b', 'c'][next(3)] ?? '', verdict, undoes, pairId: 1 + next(8) };
  });
  const pairOf = new Map(acts.map((act) => [act.id, act.pairId]));
  for (const act of acts) if (act.undoes !== null) act.pairId = pairOf.get(act.undoes) ?? act.pairId;
  for (const act of acts) pairOf.set(act.id, act.pairId);
  database.pragma('foreign_keys = OFF');
  const own = acts.filter((act) => act.undoes === null || pairOf.get(act.undoes) === act.pairId);
  database.transaction(() => {
    for (const { id, pairId, reviewer, verdict, undoes } of own) add.run(id, pairId, reviewer, verdict, undoes);
  })();
  database.exec(audit.sql);

  const expected = [1, 2, 3, 4, 5, 6, 7, 8].flatMap((pairId) =>
    [
      ...opinionsAfter(
        own
          .filter((act) => act.pairId === pairId)
          .map((act) => ({ ...act, verdict: act.verdict as 'both_bad' | null, edited: false })),
      ),
    ]
      .map(([reviewer, { id, verdict }]) => ({ pair_id: pairId, reviewer, review_id: id, verdict }))
      .sort((a, b) => (a.reviewer < b.reviewer ? -1 : 1)),
  );
  expect(expected.length).toBeGreaterThan(15);
  expect(database.prepare('SELECT * FROM pair_opinions ORDER BY pair_id, reviewer').all()).toEqual(expected);
  database.close();
});
