import { UserError } from '../../shared/errors.ts';
import { newReviewSchema } from '../../shared/pairs.ts';
import type { NewReview, PairEdit, PairState, ReviewRow, Verdict } from '../../shared/pairs.ts';
import { pageRequestSchema } from '../../shared/paging.ts';
import type { Page, PageRequest } from '../../shared/paging.ts';
import { parseInput } from '../../shared/parse.ts';
import { pairHash } from './content-hash.ts';
import type { RepositoryContext } from './events.ts';
import { idOfCursor, pageOf } from './page-cursor.ts';

/** What of a review decides the pair's state. */
interface Act {
  readonly id: number;
  readonly reviewer: string;
  readonly verdict: Verdict | null;
  readonly edited: boolean;
  readonly undoes: number | null;
}

/**
 * Where a pair stands after its reviews, oldest first. An undo takes an act back, and an undone undo gives it back. A
 * skip counts as a verdict (the pair leaves the queue) but never as a disagreement.
 */
export function stateAfter(acts: readonly Act[]): PairState {
  const undone = new Set<number>();
  const verdicts = new Map<string, Verdict>();
  let revision = 0;
  let latest: Verdict | null = null;
  // Newest first: whether an undo holds is known before the act that it takes back.
  for (const act of acts.toReversed()) {
    if (undone.has(act.id)) continue;
    if (act.undoes !== null) undone.add(act.undoes);
    if (act.edited && revision === 0) revision = act.id;
    if (act.verdict === null) continue;
    latest ??= act.verdict;
    if (!verdicts.has(act.reviewer)) verdicts.set(act.reviewer, act.verdict);
  }
  const opinions = new Set([...verdicts.values()].filter((verdict) => verdict !== 'skipped'));
  return { verdict: latest, disagreement: opinions.size > 1, revision };
}

interface Texts {
  readonly question: string;
  readonly chosen: string;
  readonly rejected: string;
}

/** The complete texts after an edit of a pair that may have been edited before. */
function mergeTexts(pair: Texts & { readonly edit: string | null }, edit: PairEdit): Texts {
  const before = pair.edit === null ? pair : (JSON.parse(pair.edit) as Texts);
  return {
    question: edit.question ?? before.question,
    chosen: edit.chosen ?? before.chosen,
    rejected: edit.rejected ?? before.rejected,
  };
}

/** Reviews: who found what, when, and how long it took. They are only ever added. */
export function reviewRepository({ database, now }: RepositoryContext) {
  const present = database.prepare<
    [number],
    Texts & { contextSha256: string; chunkText: string; provenance: string; edit: string | null }
  >(`
    SELECT m.context_sha256 AS contextSha256, c.text AS chunkText, v.content AS provenance, p.question, p.chosen,
      p.rejected, r.edit
    FROM pairs p JOIN pair_states s ON s.pair_id = p.id JOIN chunks c ON c.id = p.chunk_id
      JOIN samples m ON m.id = p.sample_id JOIN provenances v ON v.id = m.provenance_id
      LEFT JOIN reviews r ON r.id = s.revision
    WHERE p.id = ?`);
  const insert = database.prepare<
    [
      Omit<ReviewRow, 'id' | 'blind' | 'edit'> & {
        readonly blind: number;
        readonly edit: string | null;
        readonly sha256: string | null;
      },
    ]
  >(`
    INSERT INTO reviews (pair_id, reviewer, verdict, undoes, blind, milliseconds, created_at, sha256, comment, edit)
    VALUES (@pairId, @reviewer, @verdict, @undoes, @blind, @milliseconds, @createdAt, @sha256, @comment, @edit)`);
  const acts = database.prepare<[number], Omit<Act, 'edited'> & { edited: number }>(`
    SELECT id, reviewer, verdict, edit IS NOT NULL AS edited, undoes FROM reviews WHERE pair_id = ? ORDER BY id`);
  const setState = database.prepare<[string | null, number, number, number]>(
    'UPDATE pair_states SET verdict = ?, disagreement = ?, revision = ? WHERE pair_id = ?',
  );
  type Stored = Omit<ReviewRow, 'blind' | 'edit'> & { readonly blind: number; readonly edit: string | null };
  const columns = `id, pair_id AS pairId, reviewer, verdict, edit, comment, undoes, blind, milliseconds,
    created_at AS createdAt`;
  const ofPair = database.prepare<[number], Stored>(`SELECT ${columns} FROM reviews WHERE pair_id = ? ORDER BY id`);
  const list = database.prepare<[number, number], Stored>(
    `SELECT ${columns} FROM reviews WHERE id > ? ORDER BY id LIMIT ?`,
  );
  const pace = database.prepare<[string, number], { reviews: number; milliseconds: number }>(`
    SELECT count(*) AS reviews, coalesce(sum(milliseconds), 0) AS milliseconds FROM (
      SELECT milliseconds FROM reviews WHERE reviewer = ? AND verdict IS NOT NULL ORDER BY id DESC LIMIT ?)`);
  const toRow = (stored: Stored): ReviewRow => ({
    ...stored,
    blind: stored.blind === 1,
    edit: stored.edit === null ? null : (JSON.parse(stored.edit) as PairEdit),
  });
  const readActs = (pairId: number): Act[] => acts.all(pairId).map((act) => ({ ...act, edited: act.edited === 1 }));

  return {
    /**
     * Adds one act of a reviewer and returns its id and where the pair stands now. When it returns, the review is on
     * the disk. An edit is stored as the complete texts after it.
     * Errors: `not_found` for the pair or the review to undo, `invalid_input` for an act that is none.
     */
    append: database.transaction((input: NewReview): { readonly id: number; readonly state: PairState } => {
      const review = parseInput(newReviewSchema, input, 'Review');
      const pair = present.get(review.pairId);
      if (pair === undefined) throw new UserError('not_found', `There is no pair ${review.pairId} in this workspace.`);
      if (review.undoes !== null && !readActs(review.pairId).some((act) => act.id === review.undoes)) {
        throw new UserError('not_found', `Pair ${review.pairId} has no review ${review.undoes} to undo.`);
      }
      const edit = review.edit === null ? null : mergeTexts(pair, review.edit);
      const { contextSha256, chunkText } = pair;
      const { separator } = JSON.parse(pair.provenance) as { separator: string };
      const hash = edit === null ? null : pairHash({ contextSha256, chunkText, separator, ...edit });
      const added = insert.run({
        ...review,
        blind: Number(review.blind),
        edit: edit === null ? null : JSON.stringify(edit),
        sha256: hash,
        createdAt: now(),
      });
      const state = stateAfter(readActs(review.pairId));
      setState.run(state.verdict, Number(state.disagreement), state.revision, review.pairId);
      return { id: Number(added.lastInsertRowid), state };
    }),

    /** All reviews of a pair, oldest first. */
    ofPair(pairId: number): readonly ReviewRow[] {
      return ofPair.all(pairId).map(toRow);
    },

    /** All reviews of the workspace, oldest first. */
    list(request: PageRequest = {}): Page<ReviewRow> {
      const { limit, cursor } = pageRequestSchema.parse(request);
      return pageOf(list.all(idOfCursor(cursor), limit + 1).map(toRow), limit, (row) => row.id);
    },

    /** Time that a reviewer's latest verdicts took, for pairs a minute and the time left. */
    pace(reviewer: string, latest = 50): { readonly reviews: number; readonly milliseconds: number } {
      return pace.get(reviewer, latest) ?? { reviews: 0, milliseconds: 0 };
    },
  };
}
