import { drawSchema } from '../../shared/audit/draw.ts';
import type { Opinion } from '../../shared/audit/label-errors.ts';
import type { Verdict } from '../../shared/pairs.ts';
import type { RepositoryContext } from './events.ts';

export interface OpinionFilter {
  readonly reviewer?: string | null;
  readonly jobId?: number | null;
}

/** Each reviewer's standing verdict on each pair. */
export function opinionRepository({ database }: RepositoryContext) {
  const ofPair = database.prepare<[number], { reviewer: string; verdict: Verdict; reviewId: number }>(`
    SELECT reviewer, verdict, review_id AS reviewId FROM pair_opinions WHERE pair_id = ? ORDER BY reviewer`);
  const inJob = `(@jobId IS NULL OR EXISTS (SELECT 1 FROM samples m WHERE m.id = p.sample_id AND m.job_id = @jobId))`;
  const list = database.prepare<
    [{ reviewer: string | null; jobId: number | null }],
    Omit<Opinion, 'blind' | 'draw'> & { blind: number; draw: string | null }
  >(`
    SELECT o.pair_id AS pairId, o.reviewer, o.verdict, o.review_id AS reviewId, v.blind, d.importer AS documentType,
      d.characters AS documentCharacters, w.content AS draw
    FROM pair_opinions o JOIN pair_states s ON s.pair_id = o.pair_id JOIN reviews v ON v.id = o.review_id
      JOIN pairs p ON p.id = o.pair_id JOIN documents d ON d.id = p.document_id LEFT JOIN draws w ON w.id = v.draw_id
    WHERE s.archived_at IS NULL AND (@reviewer IS NULL OR o.reviewer = @reviewer) AND ${inJob}
    ORDER BY o.pair_id, o.reviewer`);
  const population = database.prepare<[{ jobId: number | null }], { pairs: number }>(`
    SELECT count(*) AS pairs FROM pair_states s JOIN pairs p ON p.id = s.pair_id
    WHERE s.archived_at IS NULL AND ${inJob}`);
  const reviewers = database.prepare<[], { reviewer: string; pairs: number }>(
    'SELECT reviewer, count(*) AS pairs FROM pair_opinions GROUP BY reviewer ORDER BY reviewer',
  );

  return {
    /** The verdicts that stand for a pair, one a reviewer. */
    ofPair(
      pairId: number,
    ): readonly { readonly reviewer: string; readonly verdict: Verdict; readonly reviewId: number }[] {
      return ofPair.all(pairId);
    },

    /** All standing verdicts on pairs that are not archived, by pair. */
    list({ reviewer = null, jobId = null }: OpinionFilter = {}): Opinion[] {
      const draws = new Map<string, Opinion['draw']>();
      const drawOf = (content: string | null): Opinion['draw'] => {
        if (content === null) return null;
        const known = draws.get(content) ?? drawSchema.parse(JSON.parse(content));
        draws.set(content, known);
        return known;
      };
      return list
        .all({ reviewer, jobId })
        .map(({ blind, draw, ...row }) => ({ ...row, blind: blind === 1, draw: drawOf(draw) }));
    },

    /** Pairs that could have been judged. */
    population({ jobId = null }: Pick<OpinionFilter, 'jobId'> = {}): number {
      return population.get({ jobId })?.pairs ?? 0;
    },

    /** Who has given verdicts, and on how many pairs one stands. */
    reviewers(): readonly { readonly reviewer: string; readonly pairs: number }[] {
      return reviewers.all();
    },
  };
}
