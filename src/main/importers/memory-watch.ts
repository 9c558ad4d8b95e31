import { Worker } from 'node:worker_threads';

/** What the process writes to its error output before it ends itself for its memory. */
export const memoryMark = 'longhand: memory limit reached';

/**
 * Ends this process once it holds more than `bytes`, or once its parent is gone. V8's own limit counts the JavaScript heap only, but parsers keep
 * most in typed arrays. The watch is a thread of its own: a parser that is busy leaves no turn to a timer.
 */
export function watchMemory(bytes: number): void {
  const watch = new Worker(
    `const { writeSync } = require('node:fs');
     const parent = process.ppid;
     setInterval(() => {
       if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
       if (process.memoryUsage.rss() <= ${bytes}) return;
       writeSync(2, ${JSON.stringify(memoryMark)});
       process.kill(process.pid, 'SIGKILL');
     }, 20);`,
    { eval: true, execArgv: [], resourceLimits: { maxOldGenerationSizeMb: 8 } },
  );
  watch.unref();
}
