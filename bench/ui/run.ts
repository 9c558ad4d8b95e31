import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findChromium } from '../../scripts/chromium.ts';
import { buildIfStale } from '../../scripts/start.ts';
import { environment } from '../cpu/environment.ts';
import { RESULTS, writeResults } from '../cpu/report.ts';
import { fullScale, generatedWorkspace } from './generate-workspace.ts';
import { measure } from './measure.ts';
import { report } from './report.ts';

const USAGE = `node bench/ui/run.ts [--repeats 5] [--quick] [--out FILE] [--cache DIR]

The user interface on a large workspace, in Chromium over the loopback host: the time to open each page, from a verdict
to the next pair, to draw a live run's new step; frames dropped while scrolling; how long main is held up; memory.
  --quick    each figure twice
  --out      results are written to FILE.json and FILE.md (bench/results/ui)
  --cache    where the generated workspace is kept (.cache/bench)`;

const { values: flags } = parseArgs({
  options: {
    repeats: { type: 'string', default: '5' },
    quick: { type: 'boolean', default: false },
    out: { type: 'string', default: join(RESULTS, 'ui') },
    cache: { type: 'string', default: join(import.meta.dirname, '..', '..', '.cache', 'bench') },
    help: { type: 'boolean', default: false },
  },
});
const repeats = flags.quick ? 2 : Number(flags.repeats);
if (flags.help || !(repeats >= 1)) {
  console.log(USAGE);
  process.exit(flags.help ? 0 : 2);
}
const chromium = findChromium();
if (chromium === undefined) {
  console.error('No Chromium: run "npm run setup:chromium", or set CHROMIUM_PATH to its program.');
  process.exit(2);
}
if ((await buildIfStale()) !== 0) process.exit(1);
console.log('The workspace (made once, some 20 s).');
const workspace = await generatedWorkspace(flags.cache, fullScale);
const machine = environment(0);
const started = performance.now();
const measured = await measure({
  ...{ workspace, chromium, repeats },
  log: (line) => {
    console.log(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${line}`);
  },
});
const { threads: _, ...where } = machine;
await writeResults(
  flags.out,
  { machine: where, scale: fullScale, repeats, ...measured },
  report(where, fullScale, measured),
);
