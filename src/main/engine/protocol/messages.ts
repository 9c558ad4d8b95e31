import type { ErrorCode, ErrorPlace } from '../../../shared/errors.ts';
import type { JobProgress } from '../../../shared/job-progress.ts';
import type { JobKind, Jobs } from './jobs.ts';

/** An error on its way between processes. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | null;
  readonly place: ErrorPlace;
  /** Stack of a defect, for the log. */
  readonly stack: string | null;
}

/**
 * From main to the engine. The engine runs one job at a time. An event is acknowledged by `reply` once main has dealt
 * with it (stored it, looked it up); the job does not go on before. So whatever a job reported is in the store,
 * whichever process is killed.
 */
export type ToEngine =
  | {
      [Kind in JobKind]: {
        readonly type: 'start';
        readonly job: number;
        readonly kind: Kind;
        readonly input: Jobs[Kind]['input'];
      };
    }[JobKind]
  | { readonly type: 'cancel'; readonly job: number }
  | { readonly type: 'reply'; readonly job: number; readonly event: number; readonly value: unknown }
  /** Main could not deal with the event (disk full): the job fails with this error. */
  | { readonly type: 'refuse'; readonly job: number; readonly event: number; readonly error: WireError };

/** From the engine to main. Progress and notices are not acknowledged: losing one loses nothing. */
export type FromEngine =
  | { readonly type: 'started'; readonly job: number }
  | { readonly type: 'progress'; readonly job: number; readonly progress: JobProgress }
  | { readonly type: 'notice'; readonly job: number; readonly message: string }
  | { readonly type: 'event'; readonly job: number; readonly event: number; readonly value: unknown }
  | { readonly type: 'finished'; readonly job: number; readonly result: unknown; readonly usage: EngineUsage }
  | { readonly type: 'failed'; readonly job: number; readonly error: WireError; readonly usage: EngineUsage };

/** What the engine has used up to the end of a job. */
export interface EngineUsage {
  readonly seconds: number;
  /** Most memory that the process ever held, in bytes. */
  readonly peakBytes: number;
}
