// A process that does one kind of work in a workspace until it is killed: argv: kind, folder. It writes a line for its
// engine's process and one for each thing that is stored.
import { writeSync } from 'node:fs';
import { workOf } from './work.ts';
import type { WorkName } from './work.ts';

const [, , name = '', folder = ''] = process.argv;
const say = (kind: string, text: string): void => void writeSync(1, `${kind} ${text}\n`);
await workOf(name as WorkName).run(folder, {
  engine: (pid) => say('engine', String(pid)),
  stored: (line) => say('stored', line),
});
