import type { Statement } from 'better-sqlite3';
import type { AuditCounts, AuditFilter, AuditQueue, AuditRow } from '../../shared/audit/queue.ts';
import { pairQueues } from '../../shared/pairs.ts';
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

/** Pairs that one step looks at: with a search it reads all their texts, and main must answer between two steps. */
const stepPairs = 2000;

/** Queues of pairs to review. What looks at all pairs is a generator: it can be left between two steps. */
export function auditQueueRepository({ database }: RepositoryContext) {
  const edited = (field: string): string => `coalesce(r.edit ->> '${field}', p.${field})`;
  const answerCharacters = `max(length(${edited('chosen')}), length(${edited('rejected')}))`;
  const chosenRatio = '(l.policy_chosen - l.reference_chosen)';
  const rejectedRatio = '(l.policy_rejected - l.reference_rejected)';
  const scores = { margin: `(${chosenRatio} - ${rejectedRatio})`, chosen: chosenRatio, rejected: rejectedRatio };
  const modelScores = { margin: '(q.chosen - q.rejected)', chosen: 'q.chosen', rejected: 'q.rejected' };
  const scoresOf = (filter: AuditFilter) =>
    filter.score !== undefined && 'model' in filter.score ? modelScores : scores;
  const like = (value: string): string => `${value} LIKE @pattern ESCAPE '\\'`;

  const joins = {
    pair: 'JOIN pairs p ON p.id = s.pair_id',
    document: 'JOIN documents d ON d.id = p.document_id',
    edit: 'LEFT JOIN reviews r ON r.id = s.revision',
    opinion: 'LEFT JOIN pair_opinions o ON o.pair_id = s.pair_id AND o.reviewer = @reviewer',
    logps: 'LEFT JOIN pair_logps l ON l.pair_id = s.pair_id AND l.run_id = @runId',
    // Of the pair's present texts only.
    scores:
      'LEFT JOIN pair_scores q ON q.pair_id = s.pair_id AND q.model_fingerprint = @model AND q.revision = s.revision',
  };

  /** FROM and WHERE of the pairs that fit a filter, its queue left aside; tables that it does not speak of stay unread. */
  const fitting = (filter: AuditFilter, reviewer: string | null): string => {
    const tables = new Set<keyof typeof joins>();
    const conditions = ['s.pair_id > @from AND s.pair_id <= @to', 's.archived_at IS NULL'];
    const when = (asked: boolean, needs: readonly (keyof typeof joins)[], ...wanted: readonly string[]): void => {
      if (!asked) return;
      for (const table of needs) tables.add(table);
      conditions.push(...wanted);
    };
    const between = (
      range: { readonly min?: number | undefined; readonly max?: number | undefined } | undefined,
      needs: readonly (keyof typeof joins)[],
      value: string,
      name: string,
    ): void => {
      when(range?.min !== undefined, needs, `${value} >= @${name}Min`);
      when(range?.max !== undefined, needs, `${value} <= @${name}Max`);
    };
    when(reviewer !== null, ['opinion']);
    when(filter.verdict !== undefined, [], 's.verdict = @verdict');
    when(filter.documentId !== undefined, ['pair'], 'p.document_id = @documentId');
    when(filter.documentType !== undefined, ['pair', 'document'], 'd.importer = @documentType');
    between(filter.documentCharacters, ['pair', 'document'], 'd.characters', 'document');
    when(
      filter.flags !== undefined,
      ['pair'],
      'EXISTS (SELECT 1 FROM json_each(p.flags) f JOIN json_each(@flags) w ON f.value = w.value)',
    );
    when(
      filter.jobId !== undefined,
      ['pair'],
      'EXISTS (SELECT 1 FROM samples m WHERE m.id = p.sample_id AND m.job_id = @jobId)',
    );
    const ofModel = scoresOf(filter) === modelScores;
    const scored = [ofModel ? 'scores' : 'logps'] as const;
    when(filter.score !== undefined, scored, ofModel ? 'q.pair_id IS NOT NULL' : 'l.run_id IS NOT NULL');
    between(filter.score?.range, scored, scoresOf(filter)[filter.score?.of ?? 'margin'], 'score');
    between(filter.answerCharacters, ['pair', 'edit'], answerCharacters, 'answer');
    const texts = ['p.question', 'p.chosen', 'p.rejected', 'r.edit'].map(like).join(' OR ');
    when(filter.search !== undefined, ['pair', 'edit'], `(${texts})`);
    // In the order in which they stand above: a table is joined to those before it.
    const joined = Object.entries(joins).filter(([table]) => tables.has(table as keyof typeof joins));
    return `FROM pair_states s ${joined.map(([, join]) => join).join(' ')} WHERE ${conditions.join(' AND ')}`;
  };
  const isDone = (reviewer: string | null): string => `(${reviewer === null ? 's' : 'o'}.verdict IS NOT NULL)`;

  const statements = new Map<string, Statement<[Parameters]>>();
  const prepared = (sql: string): Statement<[Parameters]> => {
    const statement = statements.get(sql) ?? database.prepare<[Parameters]>(sql);
    statements.set(sql, statement);
    return statement;
  };
  const last = database.prepare<[], number | null>('SELECT max(pair_id) FROM pair_states').pluck();
  /** The ranges of pairs that one step each looks at. */
  function* steps(): Generator<{ readonly from: number; readonly to: number }> {
    const end = last.get() ?? 0;
    for (let from = 0; from < end; from += stepPairs) yield { from, to: from + stepPairs };
  }

  type Stored = Omit<AuditRow, 'flags' | 'disagreement' | 'own'> & {
    readonly flags: string;
    readonly disagreement: number;
    readonly own: Verdict | null;
  };
  const rows = database.prepare<
    [{ ids: string; reviewer: string | null; runId: number | null; model: string | null }],
    Stored
  >(`
    SELECT s.pair_id AS id, p.document_id AS documentId, d.title AS documentTitle, d.importer AS documentType,
      d.characters AS documentCharacters, ${answerCharacters} AS answerCharacters,
      substr(${edited('question')}, 1, ${questionLength}) AS question, p.flags, s.verdict, o.verdict AS own,
      s.disagreement, coalesce(${scores.margin}, ${modelScores.margin}) AS margin
    FROM json_each(@ids) j CROSS JOIN pair_states s ON s.pair_id = j.value ${Object.values(joins).join(' ')}
    ORDER BY j.key`);

  const bind = (filter: AuditFilter, reviewer: string | null): Parameters => ({
    reviewer,
    verdict: filter.verdict ?? null,
    documentId: filter.documentId ?? null,
    documentType: filter.documentType ?? null,
    documentMin: filter.documentCharacters?.min ?? null,
    documentMax: filter.documentCharacters?.max ?? null,
    answerMin: filter.answerCharacters?.min ?? null,
    answerMax: filter.answerCharacters?.max ?? null,
    flags: filter.flags === undefined ? null : JSON.stringify(filter.flags),
    jobId: filter.jobId ?? null,
    runId: filter.score !== undefined && 'runId' in filter.score ? filter.score.runId : null,
    model: filter.score !== undefined && 'model' in filter.score ? filter.score.model : null,
    scoreMin: filter.score?.range.min ?? null,
    scoreMax: filter.score?.range.max ?? null,
    pattern: filter.search === undefined ? null : containing(filter.search),
  });

  return {
    /** All pairs of the queue, in its order. */
    *ids({ filter, order, seed, reviewer }: AuditQueue): Generator<undefined, number[]> {
      const inQueue = {
        all: '',
        unreviewed: `AND NOT ${isDone(reviewer)}`,
        done: `AND ${isDone(reviewer)}`,
        disagreement: 'AND s.disagreement = 1',
        flagged: 'AND s.flagged = 1',
      };
      const key = order === 'margin' ? scoresOf(filter).margin : 'NULL';
      const sql = `SELECT s.pair_id AS id, ${key} AS key ${fitting(filter, reviewer)} ${inQueue[filter.queue]}
        ORDER BY s.pair_id`;
      const found: { readonly id: number; readonly key: number }[] = [];
      for (const step of steps()) {
        const part = prepared(sql).all({ ...bind(filter, reviewer), ...step }) as { id: number; key: number | null }[];
        for (const { id, key } of part) found.push({ id, key: order === 'random' ? shuffleKey(seed, id) : (key ?? 0) });
        yield undefined;
      }
      if (order !== 'made') found.sort((a, b) => a.key - b.key || a.id - b.id);
      return found.map(({ id }) => id);
    },

    /** What a list shows of these pairs, in their order; pairs that are not there are left out. */
    rows(
      ids: readonly number[],
      reviewer: string | null,
      runId: number | null,
      model: string | null,
    ): (Omit<AuditRow, 'own'> & { readonly own: Verdict | null })[] {
      return rows.all({ ids: JSON.stringify(ids), reviewer, runId, model }).map(({ flags, disagreement, ...row }) => ({
        ...row,
        flags: JSON.parse(flags) as string[],
        disagreement: disagreement === 1,
      }));
    },

    /** How many pairs fit the filter in each queue. */
    *counts(filter: AuditFilter, reviewer: string | null): Generator<undefined, AuditCounts> {
      const sql = `SELECT count(*) AS "all", coalesce(sum(NOT ${isDone(reviewer)}), 0) AS unreviewed,
        coalesce(sum(s.disagreement), 0) AS disagreement, coalesce(sum(s.flagged), 0) AS flagged,
        coalesce(sum(${isDone(reviewer)}), 0) AS done ${fitting(filter, reviewer)}`;
      const sum = { all: 0, unreviewed: 0, disagreement: 0, flagged: 0, done: 0 };
      for (const step of steps()) {
        const part = prepared(sql).get({ ...bind(filter, reviewer), ...step }) as AuditCounts;
        for (const queue of pairQueues) sum[queue] += part[queue];
        yield undefined;
      }
      return sum;
    },
  };
}
