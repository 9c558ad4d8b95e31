import { UserError } from '../../shared/errors.ts';
import { evaluationEffortSchema, evaluationItemSchema, newEvaluationSchema } from '../../shared/evaluations.ts';
import type {
  EvaluationEffort,
  EvaluationItem,
  EvaluationRow,
  NewEvaluation,
  NewEvaluationItem,
} from '../../shared/evaluations.ts';
import { pageRequestSchema } from '../../shared/paging.ts';
import type { Page, PageRequest } from '../../shared/paging.ts';
import { parseInput } from '../../shared/parse.ts';
import type { RepositoryContext } from './events.ts';
import { jobStatus } from './job-status.ts';
import { idOfCursor, pageOf } from './page-cursor.ts';

/** Evaluations with every item's answer. */
export function evaluationRepository(context: RepositoryContext) {
  const { database, now, events } = context;
  const status = jobStatus('evaluation', context);
  type Stored = Omit<EvaluationRow, 'config' | 'summary'> & {
    readonly config: string;
    readonly summary: string | null;
  };
  const columns = `e.id, e.status, e.set_name AS setName, e.set_sha256 AS setSha256, e.kind,
    e.model_fingerprint AS modelFingerprint, e.run_id AS runId, e.checkpoint_id AS checkpointId,
    e.code_version AS codeVersion, e.seed, e.created_at AS createdAt, e.ended_at AS endedAt, e.error, e.summary, e.config,
    (SELECT count(*) FROM evaluation_items i WHERE i.evaluation_id = e.id) AS items`;
  const insert = database.prepare(`
    INSERT INTO evaluations (status, set_name, set_sha256, kind, model_fingerprint, run_id, checkpoint_id, code_version,
      seed, created_at, config)
    VALUES ('queued', @setName, @setSha256, @kind, @modelFingerprint, @runId, @checkpointId, @codeVersion, @seed, @now,
      @config)`);
  const byId = database.prepare<[number], Stored>(`SELECT ${columns} FROM evaluations e WHERE e.id = ?`);
  const list = database.prepare<[{ after: number; run: number | null; limit: number }], Stored>(`
    SELECT ${columns} FROM evaluations e WHERE e.id > @after AND (@run IS NULL OR e.run_id = @run)
    ORDER BY e.id LIMIT @limit`);
  const insertItem = database.prepare<[number, number, number, string, string, string, string]>(`
    INSERT INTO evaluation_items (evaluation_id, position, score, question, expected, answer, detail)
    VALUES (?, ?, ?, ?, ?, ?, ?)`);
  const dropWaiting = database.prepare<[number, number]>(`
    DELETE FROM evaluation_items WHERE evaluation_id = ? AND position = ? AND detail ->> '$.pending' = 1`);
  const items = database.prepare<[number, number, number], Omit<EvaluationItem, 'detail'> & { detail: string }>(`
    SELECT position AS "index", question, expected, answer, score, detail FROM evaluation_items
    WHERE evaluation_id = ? AND position >= ? ORDER BY position LIMIT ?`);
  const count = database.prepare<[], { count: number }>('SELECT count(*) AS count FROM evaluations');
  const setSummary = database.prepare<[string, string | null, number]>(
    'UPDATE evaluations SET summary = ?, effort = ? WHERE id = ?',
  );
  const efforts = database.prepare<
    [string, string],
    { id: number; setSha256: string; config: string; effort: string }
  >(`
    SELECT id, set_sha256 AS setSha256, config, effort FROM evaluations
    WHERE model_fingerprint = ? AND effort IS NOT NULL AND effort ->> '$.machine' = ?
    ORDER BY id DESC LIMIT 500`);

  const toRow = (stored: Stored): EvaluationRow => ({
    ...stored,
    config: JSON.parse(stored.config) as EvaluationRow['config'],
    summary: stored.summary === null ? null : (JSON.parse(stored.summary) as Record<string, number>),
  });

  return {
    /** Adds a queued evaluation and returns its id. Errors: `invalid_input` naming the field. */
    add: database.transaction((input: NewEvaluation): number => {
      const { config, ...evaluation } = parseInput(newEvaluationSchema, input, 'Evaluation');
      const added = insert.run({ ...evaluation, config: JSON.stringify(config), now: now() });
      const id = Number(added.lastInsertRowid);
      events.add('evaluation_added', `evaluation/${id}`, { set: evaluation.setName });
      return id;
    }),

    /** Errors: `not_found`. */
    get(id: number): EvaluationRow {
      const stored = byId.get(id);
      if (stored === undefined) throw new UserError('not_found', `There is no evaluation ${id} in this workspace.`);
      return toRow(stored);
    },

    /** Number of evaluations. */
    count(): number {
      return count.get()?.count ?? 0;
    },

    /** Evaluations in the order they were made, of one run or of all. */
    list(request: PageRequest & { runId?: number } = {}): Page<EvaluationRow> {
      const { runId, ...page } = request;
      const { limit, cursor } = pageRequestSchema.parse(page);
      const rows = list.all({ after: idOfCursor(cursor), run: runId ?? null, limit: limit + 1 });
      return pageOf(rows.map(toRow), limit, (row) => row.id);
    },

    setStatus: status.set,
    pauseInterrupted: status.pauseInterrupted,
    stopped: status.stopped,

    /**
     * Stores answers, all or nothing. An item that is answered already is a defect and throws, unless its answer waited
     * for a judge: then it takes that one's place.
     */
    addItems: database.transaction((id: number, answers: readonly NewEvaluationItem[]): void => {
      for (const answer of answers) {
        const item = parseInput(evaluationItemSchema, answer, 'Evaluation item');
        const detail = JSON.stringify(item.detail);
        dropWaiting.run(id, item.index);
        insertItem.run(id, item.index, item.score, item.question, item.expected, item.answer, detail);
      }
    }),

    /** Items by index. */
    items(id: number, request: PageRequest = {}): Page<EvaluationItem> {
      const { limit, cursor } = pageRequestSchema.parse(request);
      const rows = items.all(id, idOfCursor(cursor), limit + 1);
      const parsed = rows.map((row) => ({ ...row, detail: JSON.parse(row.detail) as EvaluationItem['detail'] }));
      return pageOf(parsed, limit, (row) => row.index + 1);
    },

    /**
     * Stores the scores of the whole set and marks the evaluation finished.
     * @param effort of an evaluation that was done in one go; null: of one that was resumed
     * Errors: as `setStatus`.
     */
    finish: database.transaction(
      (id: number, summary: Readonly<Record<string, number>>, effort: EvaluationEffort | null = null): void => {
        const measured = effort && parseInput(evaluationEffortSchema, effort, 'Effort of an evaluation');
        setSummary.run(JSON.stringify(summary), measured && JSON.stringify(measured), id);
        status.set(id, 'finished');
      },
    ),

    /** What the newest 500 evaluations of a model on a machine took, oldest first. */
    efforts(
      modelFingerprint: string,
      machine: string,
    ): (EvaluationEffort & { readonly id: number; readonly setSha256: string; readonly config: unknown })[] {
      return efforts
        .all(modelFingerprint, machine)
        .reverse()
        .map(({ id, setSha256, config, effort }) => ({
          ...{ id, setSha256, config: JSON.parse(config) as unknown },
          ...(JSON.parse(effort) as EvaluationEffort),
        }));
    },
  };
}
