import { constants, setPriority } from 'node:os';
import type { JobProgress } from '../../shared/job-progress.ts';
import { toWireError } from '../engine/protocol/wire-error.ts';
import { stopSignals } from '../files/stop-signals.ts';
import { asSystemError } from '../files/system-error.ts';
import { openWorkspace } from '../workspace/workspace.ts';
import type { JobOptions } from './engine-client.ts';
import { openBundle } from './review-bundle.ts';
import { checkAll, compactWorkspace, restoreWorkspace } from './workspace-care.ts';
import type { FromWork, ToWork, WorkKind, Works } from './work-protocol.ts';

/**
 * Entry of the process that does one piece of work on a whole database: SQLite's VACUUM, its integrity check and the
 * storing of thousands of pairs hold up their thread for seconds. It opens no network connection.
 */

const works: {
  readonly [Kind in WorkKind]: (
    input: Works[Kind]['input'],
    options: JobOptions,
  ) => Works[Kind]['result'] | Promise<Works[Kind]['result']>;
} = {
  check: async ({ folder }, options) => {
    // Main has it open and has looked at it.
    const workspace = openWorkspace(folder, { readOnly: true, checked: true });
    try {
      return await checkAll({ workspace }, options);
    } finally {
      workspace.close();
    }
  },
  compact: ({ folder, now }) => compactWorkspace(folder, () => now),
  restore: ({ folder, name, now }) => restoreWorkspace(folder, name, () => now),
  openBundle,
};

/** How often progress crosses to main. */
const progressMilliseconds = 50;

const stop = new AbortController();

process.on('message', (received) => {
  const message = received as ToWork;
  if (message.type === 'stop') stop.abort();
  else void run(message.kind, message.input);
});
// Where main is gone, what is half done is undone at the next opening.
process.on('disconnect', () => process.exit(0));
// A terminal sends Ctrl+C to every process of the group; main stops the work.
for (const signal of stopSignals) process.on(signal, () => undefined);

function send(message: FromWork, sent: () => void = () => undefined): void {
  if (process.connected) process.send?.(message, sent);
}

/** The answer, and the end. */
function answer(message: FromWork): void {
  send(message, () => process.disconnect());
}

async function run(kind: WorkKind, input: unknown): Promise<void> {
  let told = 0;
  const onProgress = (progress: JobProgress): void => {
    const now = performance.now();
    if (now - told < progressMilliseconds && progress.done < progress.total) return;
    told = now;
    send({ type: 'progress', progress });
  };
  try {
    const work = works[kind] as (input: unknown, options: JobOptions) => unknown;
    answer({ type: 'finished', result: await work(input, { signal: stop.signal, onProgress }) });
  } catch (error) {
    answer({ type: 'failed', error: toWireError(asSystemError(error)) });
  }
}

// Windows and main come first where there are few cores.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
