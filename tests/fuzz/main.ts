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
const all = values.only === undefined ? shares(Number(values.cases)) : [[values.only, Number(values.cases)] as const];
/** Cases of one process: as many as make its start cheap, as few as keep all processes busy to the end. */
const piece = 10_000;
const queue = all.flatMap(([target, count]) =>
  Array.from({ length: Math.ceil(count / piece) }, (_, i) => ({
    target,
    first: i * piece,
    count: Math.min(piece, count - i * piece),
  })),
);
const reports: FuzzReport[] = [];
const started = performance.now();
console.log(`Fuzzing: ${values.cases} cases, seed ${seed}`);
await Promise.all(
  Array.from({ length: Number(values.jobs) }, async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { target } = next;
      reports.push(await fuzz(target, seed, next.count, next.first));
      if (queue.some((other) => other.target === target)) continue;
      const done = reports.filter((report) => report.target === target);
      const wanted = all.find(([name]) => name === target)?.[1] ?? 0;
      if (total(done) < wanted && done.every(({ findings }) => findings.length === 0)) continue;
      say(target, done);
    }
  }),
);

function total(of: readonly FuzzReport[]): number {
  return of.reduce((sum, { cases }) => sum + cases, 0);
}

function say(target: string, of: readonly FuzzReport[]): void {
  const seconds = of.reduce((sum, report) => sum + report.seconds, 0);
  const slowest = of.reduce((a, b) => (b.slowestMs > a.slowestMs ? b : a));
  const peakMiB = Math.max(...of.map((report) => report.peakMiB));
  const findings = of.flatMap((report) => report.findings);
  console.log(
    `${target.padEnd(16)} ${String(total(of)).padStart(7)} cases ${seconds.toFixed(0).padStart(5)} s, slowest ${slowest.slowestMs.toFixed(0)} ms (case ${slowest.slowestCase}), at most ${peakMiB} MiB, ${findings.length} findings`,
  );
  for (const { index, problem } of findings)
    console.log(`  case ${index}: ${problem.slice(0, 600).split('\n').slice(0, 4).join('\n    ')}`);
}

const found = reports.reduce((sum, { findings }) => sum + findings.length, 0);
console.log(
  `${total(reports)} cases over ${all.length} parsers in ${((performance.now() - started) / 1000).toFixed(0)} s, seed ${seed}: ${found} findings`,
);
process.exitCode = found === 0 ? 0 : 1;
