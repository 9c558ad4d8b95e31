/**
 * One table from the demo's comparison under several seeds. For each seed run
 *
 *     npm run demo -- --compare --ablations --seed 0 --workspace demo-0 --json demo-0.json
 *
 * and give the reports: `node bench/demo/seeds.ts demo-0.json demo-1.json demo-2.json [--out BASE]`.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { demoMeasures, verdictOf } from '../../src/main/cli/demo-report.ts';
import type { DemoMeasure } from '../../src/main/cli/demo-report.ts';
import { bootstrapMean, pairedDifference } from '../../src/main/engine/evaluation/intervals.ts';
import { openContext } from '../../src/main/services/context.ts';
import type { DemoReport } from '../../src/main/services/demo.ts';
import type { Estimate } from '../../src/shared/evaluation-tasks.ts';
import { RESULTS, table, writeResults } from '../cpu/report.ts';

/** Scores by measure and model: one list of items a seed. */
type Scores = ReadonlyMap<DemoMeasure, ReadonlyMap<string, readonly (readonly number[])[]>>;

/** Every model's score on every item of every measure, seed by seed. */
async function readScores(reports: readonly DemoReport[]): Promise<Scores> {
  const scores = new Map(demoMeasures.map(({ key }) => [key, new Map<string, number[][]>()]));
  for (const { folder, runs } of reports) {
    const context = openContext(folder, { readOnly: true });
    const { evaluations } = context.workspace;
    const rows = evaluations.list({ limit: 1000 }).rows;
    for (const { name, runId } of [{ name: 'base', runId: null }, ...runs]) {
      for (const [measure, byModel] of scores) {
        const row = rows.find((candidate) => candidate.runId === runId && candidate.setName === measure);
        if (row?.status !== 'finished') throw new Error(`${folder}: ${name} was not measured on ${measure}.`);
        const items = evaluations.items(row.id, { limit: 5000 }).rows.toSorted((a, b) => a.index - b.index);
        byModel.set(name, [...(byModel.get(name) ?? []), items.map(({ score }) => score)]);
      }
    }
    await context.close();
  }
  return scores;
}

/** Each item's mean over the seeds: the items are the same for all. */
function overSeeds(seeds: readonly (readonly number[])[]): number[] {
  const [first = []] = seeds;
  if (seeds.some(({ length }) => length !== first.length)) throw new Error('The seeds have different items.');
  return first.map((_, i) => seeds.reduce((sum, items) => sum + (items[i] ?? NaN), 0) / seeds.length);
}

/** "0.917 [0.891, 0.940] (0.918 0.914 0.920)": mean over seeds with its interval over items, then each seed's. */
function cell(key: DemoMeasure, { value, low, high }: Estimate, seeds: readonly number[]): string {
  const digits = demoMeasures.find((measure) => measure.key === key)?.unit === 'share' ? 3 : 4;
  const [over, from, to, ...each] = [value, low, high, ...seeds].map((figure) => figure.toFixed(digits));
  return `${over ?? ''} [${from ?? ''}, ${to ?? ''}] (${each.join(' ')})`;
}

function valuesTable(scores: Scores, models: readonly string[]): string {
  const rows = models.map((name) => [
    name,
    ...demoMeasures.map(({ key }) => {
      const seeds = scores.get(key)?.get(name) ?? [];
      return cell(
        key,
        bootstrapMean(overSeeds(seeds)),
        seeds.map((items) => bootstrapMean(items, { samples: 1 }).value),
      );
    }),
  ]);
  return table(['', ...demoMeasures.map(({ label }) => label)], rows);
}

function differencesTable(scores: Scores, couples: readonly (readonly [string, string])[]): string {
  const rows = couples.map(([first, other]) => [
    `${other} - ${first}`,
    ...demoMeasures.map(({ key }) => {
      const of = (name: string) => scores.get(key)?.get(name) ?? [];
      const difference = pairedDifference(overSeeds(of(first)), overSeeds(of(other)));
      const seeds = of(first).map((items, i) => pairedDifference(items, of(other)[i] ?? [], { samples: 1 }).value);
      const verdict = verdictOf({ first, other, measure: key, difference });
      const text = cell(key, difference, seeds);
      return verdict === 'none' ? text : `**${text}**`;
    }),
  ]);
  return table(['', ...demoMeasures.map(({ label }) => label)], rows);
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { out: { type: 'string' } } });
if (positionals.length === 0) throw new Error('Give the JSON reports of the demo, one a seed.');
const reports = positionals.map((file) => JSON.parse(readFileSync(file, 'utf8')) as DemoReport);
const scores = await readScores(reports);
const models = ['base', ...(reports[0]?.runs ?? []).map(({ name }) => name)];
const couples = [
  ['base', 'longpo'] as const,
  ...models.filter((name) => name !== 'base' && name !== 'longpo').map((name) => ['longpo', name] as const),
];
const seeds = reports.map(({ seed }) => seed).join(', ');
const items = demoMeasures.map(
  ({ key, label, by }) => `${label} ${scores.get(key)?.get('base')?.[0]?.length ?? 0} ${by}`,
);
const markdown = `Seeds ${seeds}. Items: ${items.join(', ')}. Each cell: mean over the seeds, [95% interval: bootstrap over the items, each
with its mean over the seeds], (each seed). Bold: the interval of the paired difference leaves 0 out.

${valuesTable(scores, models)}

${differencesTable(scores, couples)}

Tokens that the policy read: ${(reports[0]?.runs ?? []).map(({ name, tokens, steps }) => `${name} ${tokens.toLocaleString('en-GB')} in ${steps} steps`).join('; ')} (seed ${reports[0]?.seed ?? ''}).`;
await writeResults(
  path.resolve(values.out ?? path.join(RESULTS, 'demo-seeds')),
  {
    seeds: reports.map(({ seed }) => seed),
    scores: Object.fromEntries(
      [...scores].map(([key, byModel]) => [
        key,
        Object.fromEntries(
          [...byModel].map(([name, list]) => [name, list.map((one) => bootstrapMean(one, { samples: 1 }).value)]),
        ),
      ]),
    ),
  },
  markdown,
);
