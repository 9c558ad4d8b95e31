import { UserError } from '../../shared/errors.ts';
import { stopSignals } from '../files/stop-signals.ts';
import { collectFiles } from './collect-files.ts';
import { readSource } from './read-source.ts';
import { watchMemory } from './memory-watch.ts';
import type { FromReader, ReaderTask, ReaderTasks, ToReader } from './reader-protocol.ts';

/**
 * Entry of the process that walks folders and parses files for an import, one task at a time. A parser may take long,
 * need much memory or crash on a file: only this process suffers, and main kills it. It opens no network connection,
 * runs nothing of what it reads and writes no file.
 */

/** Items go to main in small batches: each is one short turn of main's thread. */
const batchCharacters = 256 * 1024;
const batchItems = 64;
const batchMilliseconds = 500;

const tasks: {
  readonly [Task in ReaderTask]: (input: ReaderTasks[Task]['input']) => AsyncIterable<ReaderTasks[Task]['item']>;
} = {
  collect: ({ paths, tree }) => collectFiles(paths, tree),
  read: ({ source, options }) => readSource(source, options),
};

let resume: (() => void) | undefined;

process.on('message', (received) => {
  const message = received as ToReader;
  if (message.type === 'next') resume?.();
  else void run(message.task, message.input);
});
process.on('disconnect', () => process.exit(0));
// A terminal sends Ctrl+C to every process of the group; main cancels.
for (const signal of stopSignals) process.on(signal, () => undefined);
// pdf.js leaves promises behind after an error that it has reported already. A task that hangs for it is timed out.
process.on('unhandledRejection', () => undefined);

function send(message: FromReader): void {
  if (process.connected) process.send?.(message);
}

async function run(task: ReaderTask, input: unknown): Promise<void> {
  try {
    let batch: unknown[] = [];
    let characters = 0;
    let sent = performance.now();
    const items = (tasks[task] as (input: unknown) => AsyncIterable<unknown>)(input);
    for await (const item of items) {
      batch.push(item);
      if (typeof item === 'object' && item !== null && 'text' in item) characters += String(item.text).length;
      const full = characters >= batchCharacters || batch.length >= batchItems;
      if (!full && performance.now() - sent < batchMilliseconds) continue;
      await new Promise<void>((resolve) => {
        resume = resolve;
        send({ type: 'items', items: batch, last: false });
      });
      batch = [];
      characters = 0;
      sent = performance.now();
    }
    send({ type: 'items', items: batch, last: true });
  } catch (error) {
    const { code, message, hint, place } =
      error instanceof UserError
        ? error
        : {
            code: 'internal' as const,
            message: error instanceof Error ? (error.stack ?? error.message) : String(error),
            hint: undefined,
            place: {},
          };
    send({ type: 'failed', error: { code, message, hint: hint ?? null, place } });
  }
}

watchMemory(Number(process.argv[2]) * 1024 * 1024);
send({ type: 'ready' });
