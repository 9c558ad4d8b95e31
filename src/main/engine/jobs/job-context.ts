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
  readonly progress: (progress: JobProgress) => void;
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

/**
 * Progress of a phase with an estimate from its own pace: from the first report on, because a job that goes on may begin
 * with much of it done. The first report has no estimate.
 */
export function paced(
  context: Pick<JobContext<never>, 'progress'>,
  phase: string,
  unit: string,
): (done: number, total: number) => void {
  let first: { readonly done: number; readonly at: number } | undefined;
  return (done, total) => {
    const now = performance.now();
    first ??= { done, at: now };
    const made = done - first.done;
    const etaSeconds = made <= 0 ? null : ((now - first.at) / 1000 / made) * (total - done);
    context.progress({ phase, done, total, unit, etaSeconds });
  };
}
