import { UserError } from '../../shared/errors.ts';
import { parseExtensionPlan } from '../../shared/extension-plan.ts';
import type { ExtensionPlan, ExtensionRow, ExtensionStageRow } from '../../shared/extension-plan.ts';
import { pageRequestSchema } from '../../shared/paging.ts';
import type { Page, PageRequest } from '../../shared/paging.ts';
import type { RepositoryContext } from './events.ts';
import { jobStatus } from './job-status.ts';
import { idOfCursor, pageOf } from './page-cursor.ts';

type StoredStage = Omit<ExtensionStageRow, 'evaluationIds' | 'finished'> & {
  readonly evaluationIds: string;
  readonly finished: number;
};

/** Extension plans. What a stage has begun is noted at once, so a plan goes on where it was interrupted. */
export function extensionRepository(context: RepositoryContext) {
  const { database, now, events } = context;
  const status = jobStatus('extension', context);
  type Stored = Omit<ExtensionRow, 'plan' | 'stages'> & { readonly config: string };
  const columns = `id, name, status, code_version AS codeVersion, created_at AS createdAt, started_at AS startedAt,
    ended_at AS endedAt, error, config`;
  const insert = database.prepare<[string, string, number, string]>(`
    INSERT INTO extension_plans (name, status, code_version, created_at, config) VALUES (?, 'queued', ?, ?, ?)`);
  const insertStage = database.prepare<[number, number]>('INSERT INTO extension_stages (plan_id, stage) VALUES (?, ?)');
  const byId = database.prepare<[number], Stored>(`SELECT ${columns} FROM extension_plans WHERE id = ?`);
  const list = database.prepare<[number, number], Stored>(
    `SELECT ${columns} FROM extension_plans WHERE id > ? ORDER BY id LIMIT ?`,
  );
  const stages = database.prepare<[number], StoredStage>(`
    SELECT stage, generation_id AS generationId, run_id AS runId, model_path AS modelPath,
      evaluation_ids AS evaluationIds, finished
    FROM extension_stages WHERE plan_id = ? ORDER BY stage`);
  const update = database.prepare<[StoredStage & { readonly planId: number }]>(`
    UPDATE extension_stages SET generation_id = @generationId, run_id = @runId, model_path = @modelPath,
      evaluation_ids = @evaluationIds, finished = @finished
    WHERE plan_id = @planId AND stage = @stage`);
  const stagesOf = (id: number): ExtensionStageRow[] =>
    stages.all(id).map((row) => ({
      ...row,
      evaluationIds: JSON.parse(row.evaluationIds) as number[],
      finished: row.finished === 1,
    }));
  const toRow = ({ config, ...row }: Stored): ExtensionRow => ({
    ...row,
    plan: parseExtensionPlan(JSON.parse(config)),
    stages: stagesOf(row.id),
  });

  return {
    /** Adds a queued plan with its stages; it does not change after that. */
    add: database.transaction((plan: ExtensionPlan, codeVersion: string): number => {
      const id = Number(insert.run(plan.name, codeVersion, now(), JSON.stringify(plan)).lastInsertRowid);
      for (const index of plan.stages.keys()) insertStage.run(id, index + 1);
      events.add('extension_added', `extension/${id}`, { name: plan.name, stages: plan.stages.length });
      return id;
    }),

    /** Errors: `not_found`. */
    get(id: number): ExtensionRow {
      const stored = byId.get(id);
      if (stored === undefined) throw new UserError('not_found', `There is no extension plan ${id} in this workspace.`);
      return toRow(stored);
    },

    /** Plans in the order they were made. */
    list(request: PageRequest = {}): Page<ExtensionRow> {
      const { limit, cursor } = pageRequestSchema.parse(request);
      return pageOf(list.all(idOfCursor(cursor), limit + 1).map(toRow), limit, (row) => row.id);
    },

    setStatus: status.set,
    pauseInterrupted: status.pauseInterrupted,
    stopped: status.stopped,

    /** Notes what a stage has begun or finished. */
    setStage: database.transaction((planId: number, stage: number, change: Partial<ExtensionStageRow>): void => {
      const row = stagesOf(planId).find((candidate) => candidate.stage === stage);
      if (row === undefined) throw new Error(`The plan ${planId} has no stage ${stage}.`);
      const next = { ...row, ...change };
      update.run({
        ...next,
        planId,
        stage,
        evaluationIds: JSON.stringify(next.evaluationIds),
        finished: Number(next.finished),
      });
    }),
  };
}
