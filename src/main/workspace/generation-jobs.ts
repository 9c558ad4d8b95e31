import { pageRequestSchema } from '../../shared/paging.ts';
import type { Page, PageRequest } from '../../shared/paging.ts';
import type { JobStatus } from '../../shared/runs.ts';
import type { RepositoryContext } from './events.ts';
import { jobStatus } from './job-status.ts';
import { idOfCursor, pageOf } from './page-cursor.ts';

export interface NewGenerationJob {
  readonly name: string;
  readonly modelFingerprint: string;
  readonly codeVersion: string;
  readonly seed: number;
  /** Documents, chunking, prompts, sampling, filters: all that decides the result. */
  readonly config: unknown;
}

export interface GenerationJobRow extends NewGenerationJob {
  readonly id: number;
  readonly status: JobStatus;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly error: string | null;
}

/** What is made for one turn on one chunk, in this order. */
export type GenerationStage = 'question' | 'chosen' | 'rejected';

export interface GenerationStep {
  readonly chunkId: number;
  readonly turn: number;
  readonly stage: GenerationStage;
  readonly output: unknown;
}

/** Jobs that make pairs. Each step is stored when it is done, so a job goes on where it was interrupted. */
export function generationJobRepository(context: RepositoryContext) {
  const { database, now, events } = context;
  const status = jobStatus('generation', context);
  type Stored = Omit<GenerationJobRow, 'config'> & { readonly config: string };
  const columns = `id, name, status, model_fingerprint AS modelFingerprint, code_version AS codeVersion, seed,
    created_at AS createdAt, started_at AS startedAt, ended_at AS endedAt, error, config`;
  const insert = database.prepare<[Omit<NewGenerationJob, 'config'> & { config: string; now: number }]>(`
    INSERT INTO generation_jobs (name, status, model_fingerprint, code_version, seed, created_at, config)
    VALUES (@name, 'queued', @modelFingerprint, @codeVersion, @seed, @now, @config)`);
  const byId = database.prepare<[number], Stored>(`SELECT ${columns} FROM generation_jobs WHERE id = ?`);
  const list = database.prepare<[number, number], Stored>(
    `SELECT ${columns} FROM generation_jobs WHERE id > ? ORDER BY id LIMIT ?`,
  );
  const addStep = database.prepare<[number, number, number, string, number, string]>(`
    INSERT INTO generation_steps (job_id, chunk_id, turn, stage, done_at, output) VALUES (?, ?, ?, ?, ?, ?)`);
  const steps = database.prepare<
    [number, number, number],
    { id: number; chunkId: number; turn: number; stage: GenerationStage; output: string }
  >(`
    SELECT id, chunk_id AS chunkId, turn, stage, output FROM generation_steps
    WHERE job_id = ? AND id > ? ORDER BY id LIMIT ?`);
  const progress = database.prepare<[number], { stage: GenerationStage; done: number }>(
    'SELECT stage, count(*) AS done FROM generation_steps WHERE job_id = ? GROUP BY stage',
  );
  const toRow = (stored: Stored): GenerationJobRow => ({ ...stored, config: JSON.parse(stored.config) as unknown });

  return {
    /** Adds a queued job; its configuration does not change after that. */
    add: database.transaction((job: NewGenerationJob): number => {
      const added = insert.run({ ...job, config: JSON.stringify(job.config), now: now() });
      const id = Number(added.lastInsertRowid);
      events.add('generation_added', `generation/${id}`, { name: job.name });
      return id;
    }),

    get(id: number): GenerationJobRow | undefined {
      const stored = byId.get(id);
      return stored === undefined ? undefined : toRow(stored);
    },

    list(request: PageRequest = {}): Page<GenerationJobRow> {
      const { limit, cursor } = pageRequestSchema.parse(request);
      return pageOf(list.all(idOfCursor(cursor), limit + 1).map(toRow), limit, (row) => row.id);
    },

    setStatus: status.set,
    pauseInterrupted: status.pauseInterrupted,
    stopped: status.stopped,

    /** Stores finished steps, all or nothing. A step that is done already is a defect and throws. */
    addSteps: database.transaction((jobId: number, done: readonly GenerationStep[]): void => {
      for (const step of done) {
        addStep.run(jobId, step.chunkId, step.turn, step.stage, now(), JSON.stringify(step.output));
      }
    }),

    /** What a job has done, in the order it was done: read all pages, then make what is missing. */
    steps(jobId: number, request: PageRequest = {}): Page<GenerationStep> {
      const { limit, cursor } = pageRequestSchema.parse(request);
      const { rows, next } = pageOf(steps.all(jobId, idOfCursor(cursor), limit + 1), limit, (row) => row.id);
      return {
        rows: rows.map(({ chunkId, turn, stage, output }) => ({
          chunkId,
          turn,
          stage,
          output: JSON.parse(output) as unknown,
        })),
        next,
      };
    },

    /** Number of steps done by stage. */
    progress(jobId: number): Readonly<Record<GenerationStage, number>> {
      const done = { question: 0, chosen: 0, rejected: 0 };
      for (const row of progress.all(jobId)) done[row.stage] = row.done;
      return done;
    },
  };
}
