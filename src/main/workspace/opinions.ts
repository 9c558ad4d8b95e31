import { drawSchema } from '../../shared/audit/draw.ts';
import type { DisagreementRow } from '../../shared/audit/agreement.ts';
import type { Judgement, Opinion, Origin } from '../../shared/audit/label-errors.ts';
import { pageRequestSchema } from '../../shared/paging.ts';
import type { Page, PageRequest } from '../../shared/paging.ts';
import type { Verdict } from '../../shared/pairs.ts';
import type { RepositoryContext } from './events.ts';
import { idOfCursor, pageOf } from './page-cursor.ts';

export interface OpinionFilter {
  readonly reviewer?: string | null;
  readonly jobId?: number | null;
}

/** Two reviewers, and the generation whose pairs count (null = all). */
export interface TwoNames {
  readonly first: string;
  readonly second: string;
  readonly jobId: number | null;
}

/** Each reviewer's standing verdict on each pair. */
export function opinionRepository({ database }: RepositoryContext) {
  const ofPair = database.prepare<[number], { reviewer: string; verdict: Verdict; reviewId: number }>(`
    SELECT reviewer, verdict, review_id AS reviewId FROM pair_opinions WHERE pair_id = ? ORDER BY reviewer`);
  // Of an excerpt the length of the whole document counts.
  const documentCharacters = `coalesce(b.detail ->> 'documentCharacters', d.characters)`;
  const inJob = `(@jobId IS NULL OR EXISTS (SELECT 1 FROM samples m WHERE m.id = p.sample_id AND m.job_id = @jobId))`;
  const list = database.prepare<
    [{ reviewer: string | null; jobId: number | null; afterPair: number; afterReviewer: string; limit: number }],
    Omit<Opinion, 'blind' | 'draw' | 'origin'> & {
      blind: number;
      drawId: number | null;
      jobId: number | null;
      provenanceId: number;
    }
  >(`
    SELECT o.pair_id AS pairId, o.reviewer, o.verdict, o.review_id AS reviewId, v.blind, d.id AS documentId,
      d.importer AS documentType, ${documentCharacters} AS documentCharacters, v.draw_id AS drawId, m.job_id AS jobId,
      m.provenance_id AS provenanceId
    FROM pair_opinions o JOIN pair_states s ON s.pair_id = o.pair_id JOIN reviews v ON v.id = o.review_id
      JOIN pairs p ON p.id = o.pair_id JOIN samples m ON m.id = p.sample_id JOIN documents d ON d.id = p.document_id
      LEFT JOIN bundle_pairs b ON b.pair_id = o.pair_id
    WHERE (o.pair_id, o.reviewer) > (@afterPair, @afterReviewer) AND s.archived_at IS NULL
      AND (@reviewer IS NULL OR o.reviewer = @reviewer) AND ${inJob}
    ORDER BY o.pair_id, o.reviewer LIMIT @limit`);
  const population = database.prepare<[{ jobId: number | null }], { pairs: number }>(`
    SELECT count(*) AS pairs FROM pair_states s JOIN pairs p ON p.id = s.pair_id
    WHERE s.archived_at IS NULL AND ${inJob}`);
  const reviewers = database.prepare<[], { reviewer: string; pairs: number }>(
    'SELECT reviewer, count(*) AS pairs FROM pair_opinions GROUP BY reviewer ORDER BY reviewer',
  );

  // Few different ones for very many opinions: each is read once.
  const drawContent = database.prepare<[number], { content: string }>('SELECT content FROM draws WHERE id = ?');
  const origin = database.prepare<
    [{ jobId: number | null; provenanceId: number }],
    { generation: string | null; modelFingerprint: string; model: string | null }
  >(`
    SELECT (SELECT name FROM generation_jobs WHERE id = @jobId) AS generation,
      v.content ->> 'modelFingerprint' AS modelFingerprint, l.name AS model
    FROM provenances v LEFT JOIN models l ON l.fingerprint = v.content ->> 'modelFingerprint'
    WHERE v.id = @provenanceId`);
  const bothJudged = `pair_opinions a JOIN pair_opinions b ON b.pair_id = a.pair_id AND b.reviewer = @second
    JOIN pair_states s ON s.pair_id = a.pair_id JOIN pairs p ON p.id = a.pair_id
    WHERE a.reviewer = @first AND a.verdict <> 'skipped' AND b.verdict <> 'skipped' AND s.archived_at IS NULL AND ${inJob}`;
  const matrix = database.prepare<[TwoNames], { first: Judgement; second: Judgement; pairs: number }>(`
    SELECT a.verdict AS first, b.verdict AS second, count(*) AS pairs FROM ${bothJudged} GROUP BY 1, 2`);
  const disagreements = database.prepare<[TwoNames & { after: number; limit: number }], DisagreementRow>(`
    SELECT a.pair_id AS pairId, d.title AS documentTitle, substr(coalesce(r.edit ->> 'question', p.question), 1, 160)
      AS question, a.verdict AS first, b.verdict AS second
    FROM ${bothJudged.replace('WHERE', 'JOIN documents d ON d.id = p.document_id LEFT JOIN reviews r ON r.id = s.revision WHERE')}
      AND a.verdict <> b.verdict AND a.pair_id > @after
    ORDER BY a.pair_id LIMIT @limit`);
  const blindOf = database.prepare<[TwoNames], { pairs: number }>(`
    SELECT count(*) AS pairs FROM ${bothJudged.replace('WHERE', 'JOIN reviews x ON x.id = a.review_id JOIN reviews y ON y.id = b.review_id WHERE')}
      AND x.blind = 1 AND y.blind = 1`);

  return {
    /** The verdicts that stand for a pair, one a reviewer. */
    ofPair(
      pairId: number,
    ): readonly { readonly reviewer: string; readonly verdict: Verdict; readonly reviewId: number }[] {
      return ofPair.all(pairId);
    },

    /**
     * All standing verdicts on pairs that are not archived, by pair, up to `limit` at a time (there can be very many);
     * what is stored between two pieces may be in or not.
     */
    *list({ reviewer = null, jobId = null }: OpinionFilter = {}, limit = 1000): Generator<readonly Opinion[]> {
      const draws = new Map<number, Opinion['draw']>();
      const drawOf = (id: number | null): Opinion['draw'] => {
        if (id === null) return null;
        const known = draws.get(id) ?? drawSchema.parse(JSON.parse(drawContent.get(id)?.content ?? 'null'));
        draws.set(id, known);
        return known;
      };
      const origins = new Map<string, Origin>();
      const originOf = (job: number | null, provenanceId: number): Origin => {
        const key = `${job} ${provenanceId}`;
        const found = origins.get(key);
        if (found !== undefined) return found;
        const row = origin.get({ jobId: job, provenanceId });
        if (row === undefined) throw new Error(`there is no provenance ${provenanceId}`);
        origins.set(key, { jobId: job, ...row });
        return { jobId: job, ...row };
      };
      for (let [afterPair, afterReviewer] = [0, '']; ;) {
        const rows = list.all({ reviewer, jobId, afterPair, afterReviewer, limit });
        yield rows.map(({ blind, drawId, jobId: job, provenanceId, ...row }) => ({
          ...row,
          ...{ blind: blind === 1, draw: drawOf(drawId), origin: originOf(job, provenanceId) },
        }));
        const last = rows.at(-1);
        if (last === undefined || rows.length < limit) return;
        [afterPair, afterReviewer] = [last.pairId, last.reviewer];
      }
    },

    /** How often each two judgements met on the pairs that both reviewers judged. */
    matrix(
      names: TwoNames,
    ): readonly { readonly first: Judgement; readonly second: Judgement; readonly pairs: number }[] {
      return matrix.all(names);
    },

    /** Pairs that both judged without knowing which answer is which. */
    bothBlind(names: TwoNames): number {
      return blindOf.get(names)?.pairs ?? 0;
    },

    /** Pairs that both judged differently, in the order of the pairs. */
    disagreements(names: TwoNames, request: PageRequest = {}): Page<DisagreementRow> {
      const { limit, cursor } = pageRequestSchema.parse(request);
      const rows = disagreements.all({ ...names, after: idOfCursor(cursor), limit: limit + 1 });
      return pageOf(rows, limit, (row) => row.pairId);
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
