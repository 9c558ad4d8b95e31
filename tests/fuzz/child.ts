// A process that gives one parser its cases: argv: target, seed, first case, end, folder. What it finds goes to standard
// output, one JSON line each. A watch in a thread of its own ends the process on a case that takes too long or too much
// memory; the parent starts another behind it.
import { mkdirSync, readdirSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { FileProblem } from '../../src/main/importers/reader.ts';
import { UserError } from '../../src/shared/errors.ts';
import { limits } from './limits.ts';
import { randomOf } from './mutate.ts';
import { targets } from './parsers.ts';

const [, , name = '', seedText = '', firstText = '', endText = '', folder = ''] = process.argv;
const [seed, first, end] = [Number(seedText), Number(firstText), Number(endText)];
const target = targets[name];
if (target === undefined) throw new Error(`no parser ${name}`);
const say = (value: unknown): void => void writeSync(1, `${JSON.stringify(value)}\n`);
// pdf.js leaves promises behind after an error that it has reported already.
process.on('unhandledRejection', () => undefined);

const caseFolder = join(folder, 'cases');
mkdirSync(caseFolder, { recursive: true });
const prepared = await target.prepare(caseFolder, seed);
const shared = new Int32Array(new SharedArrayBuffer(8));
shared[0] = -1;
// CPU time and not the clock's: the machine may be busy with other things.
new Worker(
  `const { workerData: { shared, limits } } = require('node:worker_threads');
   const { writeSync } = require('node:fs');
   const cpu = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1e6; };
   let [at, since, clock] = [-2, 0, 0];
   const end = (problem) => { writeSync(1, JSON.stringify({ finding: Atomics.load(shared, 0), problem }) + '\\n'); process.kill(process.pid, 'SIGKILL'); };
   setInterval(() => {
     const now = Atomics.load(shared, 0);
     if (now !== at) { at = now; since = cpu(); clock = performance.now(); }
     if (at < 0) return;
     const used = cpu() - since;
     if (used > limits.seconds) end('took more than ' + limits.seconds + ' s');
     if (performance.now() - clock > limits.idleSeconds * 1000) end('never came to an end');
     const rss = process.memoryUsage.rss();
     if (rss > Atomics.load(shared, 1) * 2 ** 20) Atomics.store(shared, 1, Math.ceil(rss / 2 ** 20));
     if (rss > limits.memoryMiB * 2 ** 20) end('took ' + Math.round(rss / 2 ** 20) + ' MiB');
   }, 10);`,
  { eval: true, execArgv: [], workerData: { shared, limits } },
).unref();

const outside = (): string =>
  readdirSync(dirname(folder))
    .filter((other) => other !== basename(folder))
    .sort()
    .join();
const before = outside();
let slowest = { index: -1, milliseconds: 0 };
for (let index = first; index < end; index += 1) {
  const input = prepared.make(randomOf(seed, index), index);
  if ((index & 255) === 0) globalThis.gc?.();
  Atomics.store(shared, 0, index);
  const start = performance.now();
  try {
    await prepared.parse(input);
  } catch (error) {
    if (!(error instanceof UserError) && !(error instanceof FileProblem)) {
      say({ finding: index, problem: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    } else if (error instanceof UserError && error.code === 'internal') {
      say({ finding: index, problem: error.message });
    }
  }
  const milliseconds = performance.now() - start;
  if (milliseconds > slowest.milliseconds) slowest = { index, milliseconds };
}
Atomics.store(shared, 0, -1);
if (readdirSync(folder).join() !== 'cases' || outside() !== before)
  say({ finding: first, problem: 'wrote outside of its folder' });
say({ done: end - first, slowest, peakMiB: Atomics.load(shared, 1) });
process.exit(0);
