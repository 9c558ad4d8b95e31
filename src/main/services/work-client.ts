import { fork } from 'node:child_process';
import { join } from 'node:path';
import { UserError } from '../../shared/errors.ts';
import { fromWireError } from '../engine/protocol/wire-error.ts';
import { stopSignals } from '../files/stop-signals.ts';
import type { JobOptions } from './engine-client.ts';
import type { FromWork, ToWork, WorkKind, Works } from './work-protocol.ts';

/** The process's entry: beside this file in the source, one bundle beside ours in a build. */
const processFile = import.meta.filename.endsWith('.ts')
  ? join(import.meta.dirname, 'work-process.ts')
  : join(import.meta.dirname, 'work-process.js');

/** Time to stop in order; a statement of SQLite hears nothing, and what it has not finished is undone. */
const graceMilliseconds = 2000;
const tailCharacters = 4000;

/**
 * Does a piece of work on a whole database in a process of its own, which ends with it: main's thread stays free.
 * Errors: the work's own, `cancelled`; a plain one where the process ends before it has answered.
 */
export async function workBeside<Kind extends WorkKind>(
  kind: Kind,
  input: Works[Kind]['input'],
  { signal, onProgress }: Pick<JobOptions, 'signal' | 'onProgress'> = {},
): Promise<Works[Kind]['result']> {
  const cancelled = (): UserError => new UserError('cancelled', 'The work was stopped.');
  if (signal?.aborted === true) throw cancelled();
  const child = fork(processFile, [], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: [],
  });
  const send = (message: ToWork): void => void child.send(message, () => undefined);
  let errorOutput = '';
  child.stderr?.on('data', (text: Buffer) => {
    errorOutput = (errorOutput + text.toString()).slice(-tailCharacters);
  });
  let timer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    send({ type: 'stop' });
    timer = setTimeout(() => child.kill('SIGKILL'), graceMilliseconds);
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  let answer: FromWork | undefined;
  try {
    return await new Promise((resolve, reject) => {
      child.on('message', (received) => {
        const message = received as FromWork;
        if (message.type === 'progress') {
          onProgress?.(message.progress);
          return;
        }
        // It ends now; not before that its locks are given back for certain.
        answer = message;
      });
      child.on('error', reject);
      // 'close' follows 'exit' once the error output is complete.
      child.on('close', (code, signalName) => {
        if (answer?.type === 'finished') resolve(answer.result as Works[Kind]['result']);
        else if (answer?.type === 'failed') reject(fromWireError(answer.error));
        // While it starts it does not ignore yet what a terminal sends to the whole process group.
        else if (signal?.aborted === true || (signalName !== null && stopSignals.includes(signalName))) {
          reject(cancelled());
        } else {
          const how = signalName === null ? `exit code ${code}` : `signal ${signalName}`;
          reject(new Error(`The process for "${kind}" ended with ${how}: ${errorOutput.trim() || 'it said nothing'}`));
        }
      });
      send({ type: 'start', kind, input });
    });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}
