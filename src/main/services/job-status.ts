import { UserError } from '../../shared/errors.ts';
import type { JobStatus } from '../../shared/runs.ts';

interface Statuses {
  setStatus(id: number, status: JobStatus, error?: string | null): void;
}

/**
 * Keeps a job's status in the store while `action` works on it: running, then finished; paused when it was stopped, and
 * failed with the sentence of any other error. Both of the latter can be continued.
 * @param isFinished whether the result means the end; else the job is paused
 */
export async function withStatus<Result>(
  statuses: Statuses,
  id: number,
  action: () => Promise<Result>,
  isFinished: (result: Result) => boolean = () => true,
): Promise<Result> {
  statuses.setStatus(id, 'running');
  let result: Result;
  try {
    result = await action();
  } catch (error) {
    const stopped = error instanceof UserError && error.code === 'cancelled';
    const message = error instanceof Error ? error.message : String(error);
    statuses.setStatus(id, stopped ? 'paused' : 'failed', stopped ? null : message);
    throw error;
  }
  statuses.setStatus(id, isFinished(result) ? 'finished' : 'paused');
  return result;
}
