import { UserError } from '../../shared/errors.ts';
import { nextStatuses } from '../../shared/runs.ts';
import type { JobStatus } from '../../shared/runs.ts';
import type { RepositoryContext } from './events.ts';

const tables = {
  run: 'runs',
  generation: 'generation_jobs',
  evaluation: 'evaluations',
  extension: 'extension_plans',
} as const;
export type JobKind = keyof typeof tables;

/** The status column that runs, generation jobs, evaluations and extension plans share, with its rules and events. */
export function jobStatus(kind: JobKind, { database, now, events }: RepositoryContext) {
  const table = tables[kind];
  const read = database.prepare<[number], { status: JobStatus }>(`SELECT status FROM ${table} WHERE id = ?`);
  const write = database.prepare<[{ id: number; status: JobStatus; now: number; error: string | null }]>(`
    UPDATE ${table} SET status = @status, error = @error,
      started_at = CASE WHEN @status = 'running' THEN coalesce(started_at, @now) ELSE started_at END,
      ended_at = CASE WHEN @status IN ('finished', 'failed', 'cancelled') THEN @now ELSE NULL END
    WHERE id = @id`);
  const running = database.prepare<[], { id: number }>(`SELECT id FROM ${table} WHERE status = 'running' ORDER BY id`);

  const stopped = database.prepare<[], { id: number }>(
    `SELECT id FROM ${table} WHERE status IN ('paused', 'failed') ORDER BY id DESC LIMIT 100`,
  );

  return {
    /** Ids of those that can go on, oldest first, of the last hundred. */
    stopped: (): number[] =>
      stopped
        .all()
        .map((row) => row.id)
        .reverse(),

    /**
     * Moves a job to another status. `error` is the sentence of a failed one.
     * Errors: `not_found`, and `conflict` where the job's present status does not allow it.
     */
    set: database.transaction((id: number, status: JobStatus, error: string | null = null): void => {
      const present = read.get(id)?.status;
      if (present === undefined) throw new UserError('not_found', `There is no ${kind} ${id} in this workspace.`);
      if (!nextStatuses[present].includes(status)) {
        throw new UserError('conflict', `The ${kind} ${id} is ${present} and cannot become ${status}.`);
      }
      write.run({ id, status, now: now(), error });
      events.add(`${kind}_status`, `${kind}/${id}`, { from: present, to: status, error });
    }),

    /** After a crash: what still says `running` is paused, so that it can go on. Returns the ids. */
    pauseInterrupted: database.transaction((): number[] => {
      const ids = running.all().map((row) => row.id);
      for (const id of ids) {
        write.run({ id, status: 'paused', now: now(), error: null });
        events.add(`${kind}_status`, `${kind}/${id}`, { from: 'running', to: 'paused', reason: 'interrupted' });
      }
      return ids;
    }),
  };
}
