import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { UserError } from '../../shared/errors.ts';
import { stopSignals } from '../files/stop-signals.ts';
import { memoryMark } from './memory-watch.ts';
import { FileProblem } from './reader.ts';
import type { FromReader, ReaderTask, ReaderTasks, ToReader } from './reader-protocol.ts';

/** The process's entry: beside this file in the source, one bundle beside ours in a build. */
const processFile = import.meta.filename.endsWith('.ts')
  ? join(import.meta.dirname, 'reader-process.ts')
  : join(import.meta.dirname, 'reader-process.js');

export interface ReaderLimits {
  /** Longest time without anything from a file; for a file that is one document, the time for the whole of it. */
  readonly seconds: number;
  /** Memory of the process, in MiB. */
  readonly memoryMiB: number;
}

export const readerLimits: ReaderLimits = { seconds: 60, memoryMiB: 1536 };

const startSeconds = 60;
const tailCharacters = 4000;

/**
 * Walks folders and parses files in a process of its own, so that main's thread stays free, a file that takes too long
 * can be stopped, and a crash or too much memory costs one file. The process starts with the first task, serves one
 * task after another, and starts anew after it was killed.
 */
export class ReaderClient {
  readonly #limits: ReaderLimits;
  #child: ChildProcess | undefined;
  #errorOutput = '';

  constructor(limits: ReaderLimits = readerLimits) {
    this.#limits = limits;
  }

  /**
   * The items of one task. Leaving the loop early ends the process.
   * Errors: `FileProblem` (`limit`, or `unreadable` for a crash), `cancelled`, and the task's own `UserError`s.
   */
  async *run<Task extends ReaderTask>(
    task: Task,
    input: ReaderTasks[Task]['input'],
    signal?: AbortSignal,
  ): AsyncGenerator<ReaderTasks[Task]['item']> {
    let open = true;
    try {
      this.#child ??= await this.#start(signal);
      let request: ToReader = { type: 'start', task, input };
      while (open) {
        const answer = await this.#ask(this.#child, request, signal);
        if (answer.type === 'failed') {
          open = false;
          throw taskError(answer.error);
        }
        if (answer.type !== 'items') throw new Error(`the reader answered ${answer.type}`);
        open = !answer.last;
        yield* answer.items as ReaderTasks[Task]['item'][];
        request = { type: 'next' };
      }
    } finally {
      if (open) this.close();
    }
  }

  /** Ends the process; the next task starts another. */
  close(): void {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }

  async #start(signal: AbortSignal | undefined): Promise<ChildProcess> {
    const { memoryMiB } = this.#limits;
    const child = fork(processFile, [String(memoryMiB)], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [`--max-old-space-size=${memoryMiB}`],
    });
    this.#errorOutput = '';
    child.stderr?.on('data', (text: Buffer) => {
      this.#errorOutput = (this.#errorOutput + text.toString()).slice(-tailCharacters);
    });
    this.#child = child;
    try {
      await this.#ask(child, undefined, signal, startSeconds);
    } catch (error) {
      if (error instanceof FileProblem)
        throw new Error(`The reader did not start: ${this.#errorOutput}`, { cause: error });
      throw error;
    }
    return child;
  }

  /** Sends a request and waits for the one message that answers it. */
  async #ask(
    child: ChildProcess,
    request: ToReader | undefined,
    signal: AbortSignal | undefined,
    seconds: number = this.#limits.seconds,
  ): Promise<FromReader> {
    const listeners = new AbortController();
    try {
      return await new Promise<FromReader>((resolve, reject) => {
        const timer = setTimeout(
          () =>
            reject(
              new FileProblem('limit', `gave nothing within ${seconds} seconds, which is all the time a file has`),
            ),
          seconds * 1000,
        );
        // While it starts it does not ignore yet what a terminal sends to the whole process group.
        const onClose = () =>
          reject(child.signalCode !== null && stopSignals.includes(child.signalCode) ? cancelled() : this.#ended());
        const onAbort = () => reject(cancelled());
        child.once('message', resolve as (message: unknown) => void);
        // 'close' follows 'exit' once the error output is complete.
        child.once('close', onClose);
        child.once('error', reject);
        signal?.addEventListener('abort', onAbort, { once: true });
        listeners.signal.addEventListener('abort', () => {
          clearTimeout(timer);
          child.off('message', resolve).off('close', onClose).off('error', reject);
          signal?.removeEventListener('abort', onAbort);
        });
        if (signal?.aborted === true) onAbort();
        else if (child.exitCode !== null || child.signalCode !== null) onClose();
        else if (request !== undefined) child.send(request, () => undefined);
      });
    } finally {
      listeners.abort();
    }
  }

  #ended(): FileProblem {
    const output = this.#errorOutput;
    if (output.includes(memoryMark) || output.includes('out of memory')) {
      return new FileProblem('limit', `needs more than ${this.#limits.memoryMiB} MiB of memory to be read`);
    }
    return new FileProblem('unreadable', `made its reader crash: ${output.trim().slice(-300) || 'it said nothing'}`);
  }
}

/** The error of an import that a person stopped. */
export function cancelled(): UserError {
  return new UserError('cancelled', 'The import was cancelled; the workspace is as it was before.');
}

function taskError({ code, message, hint, place }: Extract<FromReader, { type: 'failed' }>['error']): Error {
  if (code === 'internal') return new Error(message);
  return new UserError(code, message, { place, ...(hint === null ? {} : { hint }) });
}
