// `npm run test:fuzz`: at least a million damaged inputs over all parsers. --cases N, --seed N, --only NAME, --jobs N.
import { parseArgs } from 'node:util';
import { fuzz, shares } from './run.ts';
import type { FuzzReport } from './run.ts';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '20261' },
    only: { type: 'string' },
    jobs: { type: 'string', default: '2' },
  },
});
const seed = Number(values.seed);
const queue = values.only === undefined ? shares(Number(values.cases)) : [[values.only, Number(values.cases)] as const];
const reports: FuzzReport[] = [];
const started = performance.now();
console.log(`Fuzzing: ${values.cases} cases, seed ${seed}`);
await Promise.all(
  Array.from({ length: Number(values.jobs) }, async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const report = await fuzz(next[0], seed, next[1]);
      reports.push(report);
      const { target, cases, seconds, slowestMs, slowestCase, peakMiB, findings } = report;
      console.log(
        `${target.padEnd(16)} ${String(cases).padStart(7)} cases ${seconds.toFixed(0).padStart(5)} s, slowest ${slowestMs.toFixed(0)} ms (case ${slowestCase}), at most ${peakMiB} MiB, ${findings.length} findings`,
      );
      for (const { index, problem } of findings)
        console.log(`  case ${index}: ${problem.slice(0, 600).split('\n').slice(0, 4).join('\n    ')}`);
    }
  }),
);
const sum = (of: (report: FuzzReport) => number): number => reports.reduce((all, report) => all + of(report), 0);
const found = sum(({ findings }) => findings.length);
console.log(
  `${sum(({ cases }) => cases)} cases over ${reports.length} parsers in ${((performance.now() - started) / 1000).toFixed(0)} s: ${found} findings`,
);
process.exitCode = found === 0 ? 0 : 1;
