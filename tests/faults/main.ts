// `npm run test:faults`: 200 kills at random moments (--rounds N, --seed N, --only WORK).
import { parseArgs } from 'node:util';
import { killRounds } from './kills.ts';
import { works } from './work.ts';
import type { WorkName } from './work.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '200' }, seed: { type: 'string' }, only: { type: 'string' } },
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
