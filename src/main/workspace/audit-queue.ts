import type { AuditCounts, AuditFilter, AuditQueue, AuditRow } from '../../shared/audit/queue.ts';
import type { Verdict } from '../../shared/pairs.ts';
import type { RepositoryContext } from './events.ts';
import { containing } from './page-cursor.ts';

/** Characters of the question that a list shows. */
const questionLength = 160;

type Parameters = Record<string, string | number | null>;

/**
 * A 32-bit number that orders pairs at random: different for every pair of a seed (the finaliser of MurmurHash3 maps
 * 32-bit numbers one to one), so that a prefix of the order is a sample without replacement.
 */
export function shuffleKey(seed: number, id: number): number {
  const mix = (value: number): number => {
    let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) >>> 0;
  };
  return mix(mix(id ^ mix(seed ^ 0x9e3779b9)) + Math.imul(seed, 0x85ebca77));
}

/** Queues of pairs to review. */
export function auditQueueRepository({ database }: RepositoryContext) {
  // Filters that say nothing cost nothing: SQLite looks at the parameter first.
  const edited = (field: string): string => `coalesce(r.edit ->> '${field}', p.${field})`;
  const answerCharacters = `max(length(${edited('chosen')}), length(${edited('rejected')}))`;
  const margin = `(l.policy_chosen - l.reference_chosen - l.policy_rejected + l.reference_rejected)`;
  const between = (value: string, name: string): string =>
    `(@${name}Min IS NULL OR ${value} >= @${name}Min) AND (@${name}Max IS NULL OR ${value} <= @${name}Max)`;
  const like = (value: string): string => `${value} LIKE @pattern ESCAPE '\\'`;
  const source = `pair_states s JOIN pairs p ON p.id = s.pair_id JOIN documents d ON d.id = p.document_id
    LEFT JOIN reviews r ON r.id = s.revision
    LEFT JOIN pair_opinions o ON o.pair_id = s.pair_id AND o.reviewer = @reviewer
    LEFT JOIN pair_logps l ON l.pair_id = s.pair_id AND l.run_id = @runId`;
  const isDone = `(CASE WHEN @reviewer IS NULL THEN s.verdict ELSE o.verdict END IS NOT NULL)`;
  const fits = `s.archived_at IS NULL
    AND (@verdict IS NULL OR s.verdict = @verdict)
    AND (@documentId IS NULL OR p.document_id = @documentId)
    AND (@documentType IS NULL OR d.importer = @documentType)
    AND ${between('d.characters', 'document')}
    AND (@flags IS NULL OR EXISTS (
      SELECT 1 FROM json_each(p.flags) f JOIN json_each(@flags) w ON f.value = w.value))
    AND (@jobId IS NULL OR EXISTS (SELECT 1 FROM samples m WHERE m.id = p.sample_id AND m.job_id = @jobId))
    AND (@runId IS NULL OR (l.run_id IS NOT NULL AND ${between(
      `CASE @score WHEN 'margin' THEN ${margin} WHEN 'chosen' THEN l.policy_chosen - l.reference_chosen
        ELSE l.policy_rejected - l.reference_rejected END`,
      'score',
    )}))
    AND (@answerMin IS NULL AND @answerMax IS NULL OR ${between(answerCharacters, 'answer')})
    AND (@pattern IS NULL OR ${like('p.question')} OR ${like('p.chosen')} OR ${like('p.rejected')} OR ${like('r.edit')})`;
  const inQueue = `CASE @queue WHEN 'unreviewed' THEN NOT ${isDone} WHEN 'done' THEN ${isDone}
    WHEN 'disagreement' THEN s.disagreement = 1 WHEN 'flagged' THEN s.flagged = 1 ELSE 1 END`;

  const wanted = `SELECT s.pair_id FROM ${source} WHERE ${inQueue} AND ${fits} ORDER BY`;
  const made = database.prepare<[Parameters], number>(`${wanted} s.pair_id`).pluck();
  const byMargin = database.prepare<[Parameters], number>(`${wanted} ${margin} IS NULL, ${margin}, s.pair_id`).pluck();
  type Stored = Omit<AuditRow, 'flags' | 'disagreement' | 'own'> & {
    readonly flags: string;
    readonly disagreement: number;
    readonly own: Verdict | null;
  };
  const rows = database.prepare<[{ ids: string; reviewer: string | null; runId: number | null }], Stored>(`
    SELECT s.pair_id AS id, p.document_id AS documentId, d.title AS documentTitle, d.importer AS documentType,
      d.characters AS documentCharacters, ${answerCharacters} AS answerCharacters,
      substr(${edited('question')}, 1, ${questionLength}) AS question, p.flags, s.verdict, o.verdict AS own,
      s.disagreement, ${margin} AS margin
    FROM json_each(@ids) j CROSS JOIN ${source.replace('pair_states s', 'pair_states s ON s.pair_id = j.value')}
    ORDER BY j.key`);
  const counts = database.prepare<[Parameters], AuditCounts>(`
    SELECT count(*) AS "all", coalesce(sum(NOT ${isDone}), 0) AS unreviewed,
      coalesce(sum(s.disagreement), 0) AS disagreement, coalesce(sum(s.flagged), 0) AS flagged,
      coalesce(sum(${isDone}), 0) AS done
    FROM ${source} WHERE ${fits}`);

  const bind = (filter: AuditFilter, reviewer: string | null): Parameters => ({
    reviewer,
    queue: filter.queue,
    verdict: filter.verdict ?? null,
    documentId: filter.documentId ?? null,
    documentType: filter.documentType ?? null,
    documentMin: filter.documentCharacters?.min ?? null,
    documentMax: filter.documentCharacters?.max ?? null,
    answerMin: filter.answerCharacters?.min ?? null,
    answerMax: filter.answerCharacters?.max ?? null,
    flags: filter.flags === undefined ? null : JSON.stringify(filter.flags),
    jobId: filter.jobId ?? null,
    runId: filter.score?.runId ?? null,
    score: filter.score?.of ?? null,
    scoreMin: filter.score?.range.min ?? null,
    scoreMax: filter.score?.range.max ?? null,
    pattern: filter.search === undefined ? null : containing(filter.search),
  });

  return {
    /** All pairs of the queue, in its order. */
    ids({ filter, order, seed, reviewer }: AuditQueue): number[] {
      const parameters = bind(filter, reviewer);
      if (order === 'margin') return byMargin.all(parameters);
      const ids = made.all(parameters);
      if (order === 'made') return ids;
      const keys = new Map(ids.map((id) => [id, shuffleKey(seed, id)]));
      return ids.sort((a, b) => (keys.get(a) ?? 0) - (keys.get(b) ?? 0));
    },

    /** What a list shows of these pairs, in their order; pairs that are not there are left out. */
    rows(
      ids: readonly number[],
      reviewer: string | null,
      runId: number | null,
    ): (Omit<AuditRow, 'own'> & { readonly own: Verdict | null })[] {
      return rows.all({ ids: JSON.stringify(ids), reviewer, runId }).map(({ flags, disagreement, ...row }) => ({
        ...row,
        flags: JSON.parse(flags) as string[],
        disagreement: disagreement === 1,
      }));
    },

    /** How many pairs fit the filter in each queue. */
    counts(filter: AuditFilter, reviewer: string | null): AuditCounts {
      return counts.get(bind(filter, reviewer)) ?? { all: 0, unreviewed: 0, disagreement: 0, flagged: 0, done: 0 };
    },
  };
}
