import { UserError } from '../../../shared/errors.ts';
import type { JobProgress } from '../../../shared/job-progress.ts';
import type { JobKind, Jobs, ReplyTo } from '../protocol/jobs.ts';
import type { ModelHolder } from './model-holder.ts';

/** What a job works with. */
export interface JobContext<Kind extends JobKind> {
  /** Set when main asks the job to stop; it ends with `cancelled`, or as it documents. */
  readonly signal: AbortSignal;
  readonly models: ModelHolder;
  /** Reports an event and waits until main has dealt with it. */
  emit<Event extends Jobs[Kind]['events']>(event: Event): Promise<ReplyTo<Event>>;
  progress(progress: JobProgress): void;
  notice(message: string): void;
}

/** The part of a context that several jobs' events pass through. */
export interface EventSink<Events> {
  readonly signal: AbortSignal;
  emit<Event extends Events>(event: Event): Promise<ReplyTo<Event>>;
}

export type Job<Kind extends JobKind> = (
  input: Jobs[Kind]['input'],
  context: JobContext<Kind>,
) => Promise<Jobs[Kind]['result']>;

/** @throws UserError `cancelled` */
export function stopIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new UserError('cancelled', 'The job was stopped.');
}

/** Progress of a phase with an estimate from its own pace. */
export function paced(
  context: Pick<JobContext<never>, 'progress'>,
  phase: string,
  unit: string,
): (done: number, total: number) => void {
  const started = performance.now();
  let first: number | undefined;
  return (done, total) => {
    first ??= done;
    const made = done - Math.min(first, done - 1);
    const etaSeconds = done === 0 ? null : ((performance.now() - started) / 1000 / made) * (total - done);
    context.progress({ phase, done, total, unit, etaSeconds });
  };
}
