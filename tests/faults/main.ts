// `npm run test:faults`: 200 kills at random moments (--rounds N, --seed N, --only WORK), then full disks (--full N).
import { parseArgs } from 'node:util';
import { randomOf } from '../fuzz/mutate.ts';
import { fullAt, fullWhile, writings } from './full-disk.ts';
import type { WritingName } from './full-disk.ts';
import { killRounds } from './kills.ts';
import { refusedDisk } from './small-disk.ts';
import { works } from './work.ts';
import type { WorkName } from './work.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '200' },
    full: { type: 'string', default: '60' },
    seed: { type: 'string' },
    only: { type: 'string' },
  },
});
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
const names = (Object.keys(works) as WorkName[]).filter((name) => values.only === undefined || values.only === name);
const each = Math.ceil(Number(values.rounds) / names.length);
console.log(`${each * names.length} kills, seed ${seed}`);
const started = performance.now();
let kills = 0;
for (const name of names) {
  const report = await killRounds(name, each, seed);
  kills += report.kills;
  console.log(
    `${name.padEnd(9)} ${report.kills} kills (${report.enginesKilled} of the engine alone, ${report.amidst} amidst its rows), ${report.acknowledged} acknowledged rows found again, ${report.finished} ends equal to the undisturbed one`,
  );
}
console.log(
  `${kills} kills in ${((performance.now() - started) / 1000).toFixed(0)} s: nothing lost, every end the same bits`,
);

// A disk that becomes full at a random moment, with little or nothing left on it.
const random = randomOf(seed, 1);
const rounds: (() => ReturnType<typeof fullAt>)[] = [
  ...names.map((name) => () => fullWhile(name, name === 'import' ? 0 : random(12), random(4) * 48 * 1024)),
  ...(Object.keys(writings) as WritingName[]).map((name) => () => fullAt(name, random(4) * 16 * 1024)),
];
const fullEach = Math.ceil(Number(values.full) / rounds.length);
const refused = fullEach === 0 ? undefined : refusedDisk();
if (refused !== undefined) {
  console.log(`SKIPPED: ${fullEach * rounds.length} full disks in ${rounds.length} write paths: ${refused}`);
} else {
  let [full, told, kept] = [0, 0, 0];
  for (const round of rounds) {
    for (let i = 0; i < fullEach; i += 1) {
      const report = await round();
      full += 1;
      if (report.error !== undefined) told += 1;
      kept += report.acknowledged;
    }
  }
  console.log(
    `${full} full disks in ${rounds.length} write paths: ${told} told as "no_space" (the others had room enough), ${kept} acknowledged rows and files found again, every end the undisturbed one`,
  );
}
