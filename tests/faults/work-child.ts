// A process that does one kind of work in a workspace until it is killed: argv: kind, folder. It writes a line for its
// engine's process and one for each thing that is stored.
import { writeSync } from 'node:fs';
import { workOf } from './work.ts';
import type { WorkName } from './work.ts';

const [, , name = '', folder = ''] = process.argv;
const pause = new Int32Array(new SharedArrayBuffer(4));

/** Written before anything else is done; a pipe that is full for the moment is waited for. */
function say(kind: string, text: string): void {
  const line = Buffer.from(`${kind} ${text}\n`);
  for (let done = 0; done < line.length;) {
    try {
      done += writeSync(1, line, done);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(pause, 0, 0, 5);
    }
  }
}

await workOf(name as WorkName).run(folder, {
  engine: (pid) => say('engine', String(pid)),
  stored: (line) => say('stored', line),
});
