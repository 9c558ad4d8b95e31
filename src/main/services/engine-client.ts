import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../shared/errors.ts';
import type { JobProgress } from '../../shared/job-progress.ts';
import type { JobKind, Jobs, ReplyTo } from '../engine/protocol/jobs.ts';
import type { EngineUsage, FromEngine, ToEngine } from '../engine/protocol/messages.ts';
import { fromWireError, toWireError } from '../engine/protocol/wire-error.ts';
import { engineEnvironment } from './cuda/engine-environment.ts';
import type { EngineDevice } from './cuda/engine-environment.ts';
import { crashed } from './engine-crash.ts';
import { stopSignals } from '../files/stop-signals.ts';

/** What every long-running service takes. */
export interface JobOptions {
  /** Stops the job. What it has reported until then stays, and a run or a generation can go on later. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: JobProgress) => void) | undefined;
  /** Something worth knowing that is no error (a damaged checkpoint was passed over). */
  readonly onNotice?: ((message: string) => void) | undefined;
}

type Events<Kind extends JobKind> = Jobs[Kind]['events'];

/** One handler for each type of event of a job; the job goes on when it has returned. */
export type EventHandlers<Kind extends JobKind> = {
  readonly [Type in Events<Kind>['type']]: (
    event: Extract<Events<Kind>, { readonly type: Type }>,
  ) => Answer<ReplyTo<Extract<Events<Kind>, { readonly type: Type }>>>;
};
// A handler without an answer may simply return.
type Answer<Reply> = [Reply] extends [undefined] ? void | Promise<void> : Reply | Promise<Reply>;

/** The engine's entry: beside this file's folder in the source, one bundle beside ours in a build. */
const processFile = import.meta.filename.endsWith('.ts')
  ? join(import.meta.dirname, '..', 'engine', 'process.ts')
  : join(import.meta.dirname, 'process.js');

/** Time to stop in order: finish an example, write a checkpoint. After it the process is killed. */
const graceMilliseconds = 60_000;
/** What is kept of the process's error output, for the report of a crash. */
const tailCharacters = 4000;

interface RunningJob {
  readonly id: number;
  readonly kind: JobKind;
  readonly handle: (event: { readonly type: string }) => unknown;
  readonly options: JobOptions;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** What a handler threw: it is the job's error, not its copy that came back from the engine. */
  refused: unknown;
  /** The process was ended because a person stopped the job. */
  stopped: boolean;
}

/**
 * The engine as a child process: started at the first job, kept for the next ones (its model stays loaded), started
 * anew after a crash, for another device, and when memory was not enough (which gives all of it back). Jobs run one after
 * another in the order in which they were asked for.
 */
export class EngineClient {
  readonly #grace: number;
  readonly #environment: (device: EngineDevice) => Promise<NodeJS.ProcessEnv>;
  #child: ChildProcess | undefined;
  /** What the process can compute on. */
  #device: EngineDevice = 'cpu';
  #killsBefore = 0;
  #errorOutput = '';
  #job: RunningJob | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #nextJob = 1;
  #usage: EngineUsage | undefined;

  constructor(
    options: {
      readonly graceMilliseconds?: number;
      readonly environment?: (device: EngineDevice) => Promise<NodeJS.ProcessEnv>;
    } = {},
  ) {
    this.#grace = options.graceMilliseconds ?? graceMilliseconds;
    this.#environment = options.environment ?? engineEnvironment;
  }

  /** Id of the running process, if there is one. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** What the last job used; `peakBytes` is the process's maximum since it was started. */
  get usage(): EngineUsage | undefined {
    return this.#usage;
  }

  /**
   * Runs one job.
   * @throws UserError of the job; `cancelled` after `signal`; `unavailable` where CUDA is asked for and cannot be used;
   *   `no_memory`; `internal` when the process ended without a result. What a handler throws ends the job and is thrown.
   */
  run<Kind extends JobKind>(
    kind: Kind,
    input: Jobs[Kind]['input'],
    handlers: EventHandlers<Kind>,
    options: JobOptions = {},
  ): Promise<Jobs[Kind]['result']> {
    const byType = handlers as Readonly<Record<string, (event: unknown) => unknown>>;
    const handle = (event: { readonly type: string }): unknown => {
      const handler = byType[event.type];
      if (handler === undefined) throw new Error(`nobody handles the event ${event.type} of ${kind}`);
      return handler(event);
    };
    const turn = this.#queue.then(() => this.#start(kind, input, handle, options));
    this.#queue = turn.catch(() => undefined);
    return turn as Promise<Jobs[Kind]['result']>;
  }

  /** Ends the process at once, and with it a running job (which fails). */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  async #start(kind: JobKind, input: unknown, handle: RunningJob['handle'], options: JobOptions): Promise<unknown> {
    const { signal } = options;
    const stopIfAborted = (): void => {
      if (signal?.aborted === true) throw cancelled();
    };
    stopIfAborted();
    const child = await this.#childFor(deviceOf(kind, input));
    stopIfAborted();
    const id = this.#nextJob++;
    let timer: NodeJS.Timeout | undefined;
    const onAbort = (): void => {
      send(child, { type: 'cancel', job: id });
      timer = setTimeout(() => {
        if (this.#job?.id !== id) return;
        this.#job.stopped = true;
        child.kill('SIGKILL');
      }, this.#grace);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await new Promise((resolve, reject) => {
        this.#job = { id, kind, handle, options, resolve, reject, refused: undefined, stopped: false };
        send(child, { type: 'start', job: id, kind, input } as ToEngine);
      });
    } finally {
      this.#job = undefined;
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** The process, on this device; undefined: on whichever it is. */
  async #childFor(device: EngineDevice | undefined): Promise<ChildProcess> {
    if (this.#child !== undefined && (device ?? this.#device) === this.#device) return this.#child;
    const env = await this.#environment(device ?? 'cpu');
    await this.kill();
    this.#device = device ?? 'cpu';
    return (this.#child = this.#spawn(env));
  }

  #spawn(env: NodeJS.ProcessEnv): ChildProcess {
    this.#killsBefore = memoryKills();
    const child = fork(processFile, [], {
      env,
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: [],
    });
    this.#errorOutput = '';
    const keepTail = (text: Buffer): void => {
      this.#errorOutput = (this.#errorOutput + text.toString()).slice(-tailCharacters);
    };
    child.stdout?.on('data', keepTail);
    child.stderr?.on('data', keepTail);
    child.on('message', (message) => void this.#receive(child, message as FromEngine));
    const ended = (how: string): void => {
      if (this.#child !== child) return;
      this.#child = undefined;
      const job = this.#job;
      if (job === undefined) return;
      const killed = how === 'signal SIGKILL' && memoryKills() > this.#killsBefore;
      job.reject(job.stopped ? cancelled() : crashed(job.kind, how, this.#errorOutput, killed));
    };
    // 'close' follows 'exit' once the error output is complete.
    child.on('close', (code, signal) => {
      // While it starts it does not ignore yet what a terminal sends to the whole process group.
      if (signal !== null && stopSignals.includes(signal) && this.#job !== undefined) this.#job.stopped = true;
      ended(signal === null ? `exit code ${code}` : `signal ${signal}`);
    });
    child.on('error', (error) => ended(error.message));
    return child;
  }

  async #receive(child: ChildProcess, message: FromEngine): Promise<void> {
    const job = this.#job;
    if (job === undefined || message.job !== job.id) return;
    switch (message.type) {
      case 'started':
        return;
      case 'progress':
        job.options.onProgress?.(message.progress);
        return;
      case 'notice':
        job.options.onNotice?.(message.message);
        return;
      case 'event':
        try {
          const value = await job.handle(message.value as { readonly type: string });
          send(child, { type: 'reply', job: job.id, event: message.event, value });
        } catch (error) {
          job.refused = error;
          send(child, { type: 'refuse', job: job.id, event: message.event, error: toWireError(error) });
        }
        return;
      case 'finished':
        this.#usage = message.usage;
        job.resolve(message.result);
        return;
      case 'failed':
        this.#usage = message.usage;
        // What an allocation that failed has left behind in the process is nobody's to know.
        if (message.error.code === 'no_memory') {
          this.#child = undefined;
          child.kill('SIGKILL');
        }
        job.reject(job.refused ?? fromWireError(message.error));
    }
  }
}

/** A message to a process that may have just ended; its end is reported by itself. */
function send(child: ChildProcess, message: ToEngine): void {
  if (child.connected) child.send(message, () => undefined);
}

function cancelled(): UserError {
  return new UserError('cancelled', 'The job was stopped.');
}

/** The device that a job asks for; jobs that only read and count run on whichever there is. */
function deviceOf(kind: JobKind, input: unknown): EngineDevice | undefined {
  const { device, config } = input as { device?: EngineDevice; config?: { device?: EngineDevice } };
  return device ?? (kind === 'train' ? config?.device : undefined);
}

/** How many processes Linux has ended for lack of memory so far; 0 elsewhere. */
function memoryKills(): number {
  try {
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
