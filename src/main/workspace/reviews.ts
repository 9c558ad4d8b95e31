import { UserError } from '../../shared/errors.ts';
import { drawSchema } from '../../shared/audit/draw.ts';
import type { Draw } from '../../shared/audit/draw.ts';
import { newReviewSchema } from '../../shared/pairs.ts';
import type { NewReview, PairEdit, PairState, ReviewRow, Verdict } from '../../shared/pairs.ts';
import { pageRequestSchema } from '../../shared/paging.ts';
import type { Page, PageRequest } from '../../shared/paging.ts';
import { parseInput } from '../../shared/parse.ts';
import { canonicalJson, pairHash } from './content-hash.ts';
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

/** Whether each act still holds, newest first. An undo takes an act back, and an undone undo gives it back. */
export function* inForce<T extends Pick<Act, 'id' | 'undoes'>>(acts: readonly T[]): Generator<T> {
  const undone = new Set<number>();
  // Newest first: whether an undo holds is known before the act that it takes back.
  for (const act of acts.toReversed()) {
    if (undone.has(act.id)) continue;
    if (act.undoes !== null) undone.add(act.undoes);
    yield act;
  }
}

/** Each reviewer's latest verdict in force, with the review that gave it. */
export function opinionsAfter(
  acts: readonly Act[],
): ReadonlyMap<string, { readonly id: number; readonly verdict: Verdict }> {
  const opinions = new Map<string, { readonly id: number; readonly verdict: Verdict }>();
  for (const { id, reviewer, verdict } of inForce(acts)) {
    if (verdict !== null && !opinions.has(reviewer)) opinions.set(reviewer, { id, verdict });
  }
  return opinions;
}

/**
 * Where a pair stands after its reviews, oldest first. A skip counts as a verdict (the pair leaves the queue) but never
 * as a disagreement.
 */
export function stateAfter(acts: readonly Act[]): PairState {
  const opinions = [...opinionsAfter(acts).values()];
  let latest: (typeof opinions)[number] | undefined;
  for (const opinion of opinions) if (latest === undefined || opinion.id > latest.id) latest = opinion;
  let revision = 0;
  for (const act of inForce(acts)) {
    if (!act.edited) continue;
    revision = act.id;
    break;
  }
  const judged = new Set(opinions.map((opinion) => opinion.verdict).filter((verdict) => verdict !== 'skipped'));
  return { verdict: latest?.verdict ?? null, disagreement: judged.size > 1, revision };
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

/** What is known about a review besides itself. */
export interface ReviewCircumstances {
  /** How the pair came before the reviewer. */
  readonly draw?: Draw | null;
  /** When it was given, where that is not now. */
  readonly createdAt?: number;
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
        readonly drawId: number | null;
      },
    ]
  >(`
    INSERT INTO reviews (pair_id, reviewer, verdict, undoes, blind, milliseconds, created_at, sha256, comment, edit, draw_id)
    VALUES (@pairId, @reviewer, @verdict, @undoes, @blind, @milliseconds, @createdAt, @sha256, @comment, @edit, @drawId)`);
  const findDraw = database.prepare<[string], { id: number }>('SELECT id FROM draws WHERE content = ?');
  const addDraw = database.prepare<[string]>('INSERT INTO draws (content) VALUES (?)');
  const acts = database.prepare<[number], Omit<Act, 'edited'> & { edited: number }>(`
    SELECT id, reviewer, verdict, edit IS NOT NULL AS edited, undoes FROM reviews WHERE pair_id = ? ORDER BY id`);
  const setState = database.prepare<[string | null, number, number, number]>(
    'UPDATE pair_states SET verdict = ?, disagreement = ?, revision = ? WHERE pair_id = ?',
  );
  const dropOpinions = database.prepare<[number]>('DELETE FROM pair_opinions WHERE pair_id = ?');
  const addOpinion = database.prepare<[number, string, number, string]>(
    'INSERT INTO pair_opinions (pair_id, reviewer, review_id, verdict) VALUES (?, ?, ?, ?)',
  );
  const ownActs = database.prepare<[string], { id: number; pairId: number }>(`
    SELECT id, pair_id AS pairId FROM reviews WHERE reviewer = ? AND undoes IS NULL ORDER BY id DESC`);
  type Stored = Omit<ReviewRow, 'blind' | 'edit'> & { readonly blind: number; readonly edit: string | null };
  const columns = `id, pair_id AS pairId, reviewer, verdict, edit, comment, undoes, blind, milliseconds,
    created_at AS createdAt`;
  const ofPair = database.prepare<[number], Stored>(`SELECT ${columns} FROM reviews WHERE pair_id = ? ORDER BY id`);
  const byId = database.prepare<[number], Stored>(`SELECT ${columns} FROM reviews WHERE id = ?`);
  const list = database.prepare<[number, number], Stored>(
    `SELECT ${columns} FROM reviews WHERE id > ? ORDER BY id LIMIT ?`,
  );
  const pace = database.prepare<[number, string, number], { reviews: number; milliseconds: number }>(`
    SELECT count(*) AS reviews, coalesce(sum(min(milliseconds, ?)), 0) AS milliseconds FROM (
      SELECT milliseconds FROM reviews WHERE reviewer = ? AND verdict IS NOT NULL ORDER BY id DESC LIMIT ?)`);
  const drawOf = database.prepare<[number], { content: string }>(
    'SELECT d.content FROM reviews r JOIN draws d ON d.id = r.draw_id WHERE r.id = ?',
  );
  const seed = database.prepare<[], { seed: number }>('SELECT seed FROM audit_seed');
  const toRow = (stored: Stored): ReviewRow => ({
    ...stored,
    blind: stored.blind === 1,
    edit: stored.edit === null ? null : (JSON.parse(stored.edit) as PairEdit),
  });
  const drawIdOf = (draw: Draw): number => {
    const content = canonicalJson(draw);
    return findDraw.get(content)?.id ?? Number(addDraw.run(content).lastInsertRowid);
  };
  const readActs = (pairId: number): Act[] => acts.all(pairId).map((act) => ({ ...act, edited: act.edited === 1 }));
  const get = (id: number): ReviewRow | undefined => {
    const found = byId.get(id);
    return found === undefined ? undefined : toRow(found);
  };
  /** Whether a review of the pair still holds: it was not undone, or its undo was. */
  const holds = (pairId: number, reviewId: number): boolean => {
    for (const act of inForce(readActs(pairId))) if (act.id === reviewId) return true;
    return false;
  };

  return {
    /** The workspace's own part of the seed for the order of sides in blind audit; for main alone. */
    blindSeed: (): number => seed.get()?.seed ?? 0,
    /**
     * Adds one act of a reviewer and returns its id and where the pair stands now. When it returns, the review is on
     * the disk (a call of its own; inside a transaction, when that has ended). An edit is stored as the complete texts
     * after it.
     * Errors: `not_found` for the pair or the review to undo, `invalid_input` for an act that is none.
     */
    append: database.transaction((input: NewReview, circumstances: ReviewCircumstances = {}) => {
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
        createdAt: circumstances.createdAt ?? now(),
        drawId: circumstances.draw == null ? null : drawIdOf(circumstances.draw),
      });
      const after = readActs(review.pairId);
      const state: PairState = stateAfter(after);
      dropOpinions.run(review.pairId);
      for (const [reviewer, { id, verdict }] of opinionsAfter(after)) {
        addOpinion.run(review.pairId, reviewer, id, verdict);
      }
      setState.run(state.verdict, Number(state.disagreement), state.revision, review.pairId);
      return { id: Number(added.lastInsertRowid), state };
    }),

    /** All reviews of a pair, oldest first. */
    ofPair(pairId: number): readonly ReviewRow[] {
      return ofPair.all(pairId).map(toRow);
    },

    get,
    holds,

    /** A reviewer's newest verdict, edit or comment that still holds: what an undo takes back. */
    latestInForce(reviewer: string): ReviewRow | undefined {
      for (const { id, pairId } of ownActs.iterate(reviewer)) {
        if (holds(pairId, id)) return get(id);
      }
      return undefined;
    },

    /** All reviews of the workspace, oldest first. */
    list(request: PageRequest = {}): Page<ReviewRow> {
      const { limit, cursor } = pageRequestSchema.parse(request);
      return pageOf(list.all(idOfCursor(cursor), limit + 1).map(toRow), limit, (row) => row.id);
    },

    /**
     * Time that a reviewer's latest verdicts took, for pairs a minute and the time left.
     * @param longest milliseconds that count of one verdict at most
     */
    pace(
      reviewer: string,
      latest = 50,
      longest: number = Number.MAX_SAFE_INTEGER,
    ): { readonly reviews: number; readonly milliseconds: number } {
      return pace.get(longest, reviewer, latest) ?? { reviews: 0, milliseconds: 0 };
    },

    /** How the pair came before the reviewer; null where that was not noted. */
    drawOf(reviewId: number): Draw | null {
      const found = drawOf.get(reviewId);
      return found === undefined ? null : drawSchema.parse(JSON.parse(found.content));
    },
  };
}
