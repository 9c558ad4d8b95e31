import { z } from 'zod';
import type { JobProgress } from '../job-progress.ts';
import { method } from './method.ts';

export const jobKinds = [
  'import',
  'countTokens',
  'generate',
  'scorePairs',
  'train',
  'extend',
  'dryRun',
  'evaluate',
  'export',
  'selfTest',
  'demo',
  'exportBundle',
  'openBundle',
  'exportVerdicts',
  'importVerdicts',
  'care',
] as const;
export type ApiJobKind = (typeof jobKinds)[number];

/** Jobs that need the engine run one after the other, short ones beside them; `paused` ones can be continued. */
export type ApiJobStatus = 'waiting' | 'running' | 'pausing' | 'paused' | 'finished' | 'failed' | 'cancelled';

/** Whether a job runs, is about to, or is on its way to a stop. */
export const isAlive = (job: Pick<ApiJob, 'status'> | undefined): boolean =>
  job !== undefined && ['waiting', 'running', 'pausing'].includes(job.status);

/** What an error looks like when it crosses to the window: never a stack. */
export interface ApiErrorBody {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  readonly place: { readonly file?: string; readonly field?: string; readonly line?: number };
}

/** A job as the drawer shows it. */
export interface ApiJob {
  readonly id: number;
  readonly kind: ApiJobKind;
  readonly title: string;
  readonly status: ApiJobStatus;
  readonly progress: JobProgress | null;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly error: ApiErrorBody | null;
  /** Whether it keeps its state when it is stopped, so that it can go on. */
  readonly resumable: boolean;
  /** It was left unfinished before Longhand was started last. */
  readonly earlier: boolean;
  /** Rows of the workspace that it makes. */
  readonly runId: number | null;
  readonly generationId: number | null;
  readonly evaluationIds: readonly number[];
  /** What it gave, where that is not a row of the workspace. */
  readonly result: unknown;
}

export interface ApiLogLine {
  readonly index: number;
  readonly at: number;
  readonly text: string;
}

const jobId = z.strictObject({ id: z.int().min(1) });

export const jobMethods = {
  'jobs.list': method<readonly ApiJob[]>()(z.strictObject({})),
  'jobs.log': method<readonly ApiLogLine[]>()(jobId.extend({ after: z.int().min(-1).default(-1) })),
  /** Stops it so that it can go on later; a job that cannot is cancelled. */
  'jobs.pause': method<ApiJob>()(jobId),
  'jobs.resume': method<ApiJob>()(jobId),
  'jobs.cancel': method<ApiJob>()(jobId),
};
