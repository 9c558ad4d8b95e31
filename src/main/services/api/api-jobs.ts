import { isAlive } from '../../../shared/api/jobs.ts';
import type { ApiJob, ApiJobKind, ApiJobStatus, ApiLogLine } from '../../../shared/api/jobs.ts';
import { UserError } from '../../../shared/errors.ts';
import { asSystemError } from '../../files/system-error.ts';
import type { JobOptions } from '../engine-client.ts';
import { errorBody } from './error-body.ts';

/** Rows of the workspace that a job makes. */
export type JobRefs = Pick<ApiJob, 'runId' | 'generationId' | 'evaluationIds'>;

/** What a job may change about itself while it runs. */
export interface JobControl extends JobOptions {
  readonly signal: AbortSignal;
  /** Names a row of the workspace that the job makes. */
  readonly note: (refs: Partial<JobRefs>) => void;
  readonly log: (text: string) => void;
}

export interface JobRequest {
  readonly kind: ApiJobKind;
  readonly title: string;
  /** It needs no engine and does not wait for the other jobs. */
  readonly beside?: boolean;
  /** Does the work; `stopped` says that it was paused in order and can go on. */
  readonly run: (control: JobControl) => Promise<unknown>;
  /** Goes on with what `run` left; without it a stopped job is cancelled. */
  readonly resume?: (job: JobRefs, control: JobControl) => Promise<unknown>;
  /** Tells the workspace that a stopped job is ended for good. */
  readonly abandon?: (job: JobRefs) => void;
  readonly refs?: Partial<JobRefs>;
}

/** A job's answer that means "paused in order". */
export const STOPPED = Symbol('stopped');

interface Entry {
  job: ApiJob;
  readonly request: JobRequest;
  readonly log: ApiLogLine[];
  controller: AbortController | undefined;
  wanted: 'pause' | 'cancel' | undefined;
}

/** Lines kept of a job's log. */
const logLines = 2000;

/** The jobs that windows start: one runs at a time, the others wait in order; light ones run beside them. */
export class ApiJobs {
  readonly #entries = new Map<number, Entry>();
  readonly #onChange: (job: ApiJob) => void;
  #next = 1;
  #turn: Promise<void> = Promise.resolve();
  readonly #beside = new Set<Promise<void>>();

  constructor(onChange: (job: ApiJob) => void) {
    this.#onChange = onChange;
  }

  list(): readonly ApiJob[] {
    return [...this.#entries.values()].map(({ job }) => job).reverse();
  }

  log(id: number, after: number): readonly ApiLogLine[] {
    return this.#entry(id).log.filter((line) => line.index > after);
  }

  start(request: JobRequest): ApiJob {
    const entry = this.#add(request, {});
    this.#enqueue(entry, (control) => request.run(control));
    return entry.job;
  }

  /** Lists a job that an earlier Longhand left unfinished; `resume` goes on with it. */
  restore(
    request: Omit<JobRequest, 'run'> & { readonly resume: NonNullable<JobRequest['resume']> },
    stored: Pick<ApiJob, 'createdAt' | 'endedAt'> & { readonly status: string; readonly error: string | null },
  ): ApiJob {
    const { createdAt, endedAt, error } = stored;
    const whole = { ...request, run: () => Promise.reject(new Error('a restored job is resumed, never run')) };
    return this.#add(whole, {
      ...{ createdAt, endedAt, earlier: true, status: stored.status === 'failed' ? 'failed' : 'paused' },
      error: error === null ? null : { code: 'internal', message: error, hint: null, place: {} },
    }).job;
  }

  /** Forgets all jobs: they belonged to a workspace that was closed. */
  clear(): void {
    this.#entries.clear();
  }

  /** Stops a running job so that it can go on; one that cannot is cancelled. A waiting one is taken out. */
  pause(id: number): ApiJob {
    return this.#stop(id, this.#entry(id).job.resumable ? 'pause' : 'cancel');
  }

  resume(id: number): ApiJob {
    const entry = this.#entry(id);
    const { resume } = entry.request;
    if (resume === undefined || !['paused', 'failed'].includes(entry.job.status)) {
      throw new UserError('conflict', `The job "${entry.job.title}" is ${entry.job.status} and cannot go on.`, {
        hint: 'Start it again.',
      });
    }
    this.#update(entry, { status: 'waiting', error: null, endedAt: null, earlier: false });
    this.#enqueue(entry, (control) => resume(entry.job, control));
    return entry.job;
  }

  /** Ends a job for good; what it has stored stays. */
  cancel(id: number): ApiJob {
    const entry = this.#entry(id);
    if (entry.job.status === 'paused' || entry.job.status === 'failed') {
      entry.request.abandon?.(entry.job);
      this.#update(entry, { status: 'cancelled', endedAt: Date.now() });
      return entry.job;
    }
    return this.#stop(id, 'cancel');
  }

  /** Stops everything in order (closing the workspace) and waits for it. */
  async close(): Promise<void> {
    for (const { job } of this.#entries.values()) if (isAlive(job)) this.pause(job.id);
    await Promise.all([this.#turn, ...this.#beside]);
  }

  #add(request: JobRequest, change: Partial<ApiJob>): Entry {
    const id = this.#next++;
    const job: ApiJob = {
      id,
      kind: request.kind,
      title: request.title,
      status: 'waiting',
      progress: null,
      createdAt: Date.now(),
      startedAt: null,
      endedAt: null,
      error: null,
      resumable: request.resume !== undefined,
      earlier: false,
      runId: null,
      generationId: null,
      evaluationIds: [],
      result: null,
      ...request.refs,
      ...change,
    };
    const entry: Entry = { job, request, log: [], controller: undefined, wanted: undefined };
    this.#entries.set(id, entry);
    return entry;
  }

  #stop(id: number, wanted: 'pause' | 'cancel'): ApiJob {
    const entry = this.#entry(id);
    const { status } = entry.job;
    if (status === 'waiting') {
      entry.wanted = wanted;
      this.#update(entry, { status: wanted === 'pause' ? 'paused' : 'cancelled', endedAt: Date.now() });
    } else if (status === 'running' || status === 'pausing') {
      entry.wanted = wanted;
      this.#update(entry, { status: 'pausing' });
      entry.controller?.abort();
    }
    return entry.job;
  }

  #enqueue(entry: Entry, work: (control: JobControl) => Promise<unknown>): void {
    entry.wanted = undefined;
    const take = async (): Promise<void> => {
      // It may have been taken out while it waited.
      if (entry.job.status === 'waiting') await this.#run(entry, work);
    };
    if (entry.request.beside !== true) {
      this.#turn = this.#turn.then(take);
      return;
    }
    const running = Promise.resolve().then(take);
    this.#beside.add(running);
    void running.finally(() => this.#beside.delete(running));
  }

  async #run(entry: Entry, work: (control: JobControl) => Promise<unknown>): Promise<void> {
    const controller = new AbortController();
    entry.controller = controller;
    this.#update(entry, { status: 'running', startedAt: Date.now(), progress: null });
    const log = (text: string): void => {
      const index = (entry.log.at(-1)?.index ?? -1) + 1;
      entry.log.push({ index, at: Date.now(), text });
      if (entry.log.length > logLines) entry.log.shift();
    };
    const control: JobControl = {
      signal: controller.signal,
      onProgress: (progress) => {
        if (progress.phase !== entry.job.progress?.phase) log(`${progress.phase}: ${progress.total} ${progress.unit}`);
        this.#update(entry, { progress });
      },
      onNotice: log,
      note: (refs) => {
        this.#update(entry, refs);
      },
      log,
    };
    try {
      const result = await work(control);
      const status: ApiJobStatus = result !== STOPPED ? 'finished' : entry.wanted === 'cancel' ? 'cancelled' : 'paused';
      if (status === 'cancelled') entry.request.abandon?.(entry.job);
      this.#update(entry, { status, endedAt: Date.now(), result: result === STOPPED ? null : (result ?? null) });
    } catch (error) {
      this.#end(entry, asSystemError(error), log);
    }
  }

  #end(entry: Entry, error: unknown, log: (text: string) => void): void {
    const stopped = error instanceof UserError && error.code === 'cancelled';
    if (stopped && entry.wanted === 'pause') {
      this.#update(entry, { status: 'paused', endedAt: Date.now() });
      return;
    }
    if (stopped) {
      entry.request.abandon?.(entry.job);
      this.#update(entry, { status: 'cancelled', endedAt: Date.now() });
      return;
    }
    const body = errorBody(error);
    log(`failed: ${body.message}`);
    if (!(error instanceof UserError)) console.error(error);
    this.#update(entry, { status: 'failed', endedAt: Date.now(), error: body });
  }

  #update(entry: Entry, change: Partial<ApiJob>): void {
    entry.job = { ...entry.job, ...change };
    this.#onChange(entry.job);
  }

  #entry(id: number): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new UserError('not_found', `There is no job ${id}.`);
    return entry;
  }
}
