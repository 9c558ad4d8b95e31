import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { compareModels } from '../../src/main/engine/evaluation/compare.ts';
import type { ComparisonRow, Estimate } from '../../src/shared/evaluation-tasks.ts';
import type { MetricRow } from '../../src/shared/metrics.ts';
import type { StoredEvaluation } from './stored.ts';

const USAGE = `node bench/reproduction/table.ts RESULTS... [--against nll] [--each] [--out FILE.json]

Markdown tables of what run.ts left in FOLDER/results: every arm, its seeds averaged for each item, with 95% bootstrap intervals
over the items and the paired difference to the arm of --against. RULER's tasks of one length are one set. Several folders are read
as one.
  --each   also every set with every seed on its own, against the first that answered it
  --out    keeps all of it as one file`;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    against: { type: 'string', default: 'nll' },
    each: { type: 'boolean', default: false },
    out: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (flags.help || positionals.length === 0) {
  console.log(USAGE);
  process.exit(flags.help ? 0 : 2);
}

const files = positionals.flatMap((folder) => readdirSync(folder).map((name) => path.join(folder, name)));
const read = <T>(prefix: string): { name: string; value: T }[] =>
  files
    .filter((file) => path.basename(file).startsWith(prefix) && file.endsWith('.json'))
    .map((file) => ({
      name: path.basename(file, '.json').slice(prefix.length),
      value: JSON.parse(readFileSync(file, 'utf8')) as T,
    }))
    .sort(
      (a, b) => Number(!a.name.startsWith('base')) - Number(!b.name.startsWith('base')) || a.name.localeCompare(b.name),
    );
const thetas = read<StoredEvaluation[]>('theta-');
/** The bases of the sweep count as untrained arms on the texts that they were chosen by. */
const tests = [
  ...read<StoredEvaluation[]>('test-'),
  ...thetas.map(({ name, value }) => ({ name: `theta ${name}, untrained`, value })),
];
const runs = read<MetricRow[]>('train-');

const number = (value: number): string => (Number.isFinite(value) ? value.toFixed(3) : '');
const interval = ({ value, low, high }: Estimate): string => `${number(value)} [${number(low)}, ${number(high)}]`;
function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  console.log([head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n') + '\n');
}

if (thetas.length > 0) {
  const names = thetas[0]?.value.map(({ name }) => name) ?? [];
  console.log('### RoPE base without training: NLL, nats a token\n');
  const rows = thetas.map(({ name, value }) => [name, ...value.map(({ summary }) => number(summary['nll'] ?? NaN))]);
  table(
    ['theta', ...names],
    rows.sort((a, b) => Number(a[0]) - Number(b[0])),
  );
}

if (runs.length > 0) {
  const keys = ['eval_nll/answers', 'eval_nll/document', 'eval_kl/exact/chosen', 'eval_rewards/margins'] as const;
  console.log('### Held-out pairs after training (learning rate and seed in the name)\n');
  const last = (rows: readonly MetricRow[], key: string): number =>
    rows.findLast((row) => row.key === key)?.value ?? NaN;
  const first = (rows: readonly MetricRow[], key: string): number => rows.find((row) => row.key === key)?.value ?? NaN;
  const [any] = runs;
  table(
    ['run', 'steps', 's a step', ...keys],
    [
      ...(any === undefined ? [] : [['before', '0', '', ...keys.map((key) => number(first(any.value, key)))]]),
      ...runs.map(({ name, value }) => [
        name,
        String(Math.max(...value.map(({ step }) => step))),
        number(last(value, 'step_seconds')),
        ...keys.map((key) => number(last(value, key))),
      ]),
    ],
  );
}

const isLoss = (set: string): boolean => set.startsWith('nll/');
/** `longpo` of `longpo-0.0002-1`; other names have no seed. */
const armOf = (name: string): string => name.replace(/-[\d.]+(e-\d+)?-\d+$/, '');
/** RULER's tasks of one length are one set. */
const setOf = (name: string): string =>
  name.includes('niah') || name.startsWith('vt/') ? `ruler/${path.basename(name)}` : name;
const order = (name: string): number => ['ruler', 'nll'].findIndex((start) => name.startsWith(start)) >>> 0;

/** The score of each item of a set, by task and number, a mean over the seeds of an arm. */
function meansOf(arm: string, set: string): Map<string, number> {
  const scores = new Map<string, number[]>();
  for (const { value } of tests.filter(({ name }) => armOf(name) === arm)) {
    for (const { name: task, items } of value.filter((each) => setOf(each.name) === set)) {
      for (const { index, score } of items)
        scores.set(`${task} ${index}`, [...(scores.get(`${task} ${index}`) ?? []), score]);
    }
  }
  return new Map([...scores].map(([item, all]) => [item, all.reduce((sum, x) => sum + x, 0) / all.length]));
}

function byArm(): void {
  const arms = [...new Set(tests.map(({ name }) => armOf(name)))];
  const names = [...new Set(tests.flatMap(({ value }) => value.map(({ name }) => setOf(name))))];
  const kept = names.sort((a, b) => order(a) - order(b) || a.localeCompare(b, 'en', { numeric: true }));
  const columns = kept.map((set) => {
    const found = arms.map((name) => ({ name, scores: meansOf(name, set) })).filter(({ scores }) => scores.size > 0);
    // Paired with the first row, which is the one that the others are compared with.
    found.sort((a, b) => Number(b.name === flags.against) - Number(a.name === flags.against));
    const items = [...new Set(found.flatMap(({ scores }) => [...scores.keys()]))];
    const values = found.map(({ name, scores }) => ({ name, values: items.map((item) => scores.get(item) ?? null) }));
    const compared = compareModels(values, { higherIsBetter: !isLoss(set) });
    return { set, n: compared.items.length, rows: new Map(compared.rows.map((row) => [row.name, row])) };
  });
  const head = ['', ...columns.map(({ set, n }) => `${set} (${n})`)];
  const cells = (of: (row: ComparisonRow) => Estimate | null): string[][] =>
    arms.map((arm) => [
      arm,
      ...columns.map(({ rows }) => {
        const row = rows.get(arm);
        const value = row === undefined ? null : of(row);
        return value === null ? '' : interval(value);
      }),
    ]);
  console.log('### Means over items and seeds (number of items in the head)\n');
  table(
    head,
    cells(({ mean }) => mean),
  );
  console.log(`### Paired difference to ${flags.against}\n`);
  table(
    head,
    cells(({ difference }) => difference),
  );
}
if (tests.length > 0) byArm();

const sets = [...new Set(tests.flatMap(({ value }) => value.map(({ name }) => name)))];
for (const set of flags.each ? sets : []) {
  const found = tests.flatMap(({ name, value }) => {
    const stored = value.find((each) => each.name === set);
    return stored === undefined ? [] : [{ name, items: new Map(stored.items.map((item) => [item.index, item.score])) }];
  });
  const [baseline] = found;
  if (baseline === undefined) continue; // nobody answered it
  const most = Math.max(...found.flatMap(({ items }) => [...items.keys()]));
  const values = found.map(({ name, items }) => ({
    name,
    values: Array.from({ length: most + 1 }, (_, i) => items.get(i) ?? null),
  }));
  const { rows, items } = compareModels(values, { higherIsBetter: !isLoss(set) });
  console.log(`### ${set}, ${items.length} items that all answered\n`);
  table(
    [isLoss(set) ? 'NLL of' : 'score of', 'mean', `difference to ${baseline.name}`, 'better', 'worse'],
    rows.map(({ name, mean, difference, better, worse }) => [
      name,
      interval(mean),
      difference === null ? '' : interval(difference),
      String(better.length),
      String(worse.length),
    ]),
  );
}
if (flags.out !== undefined) {
  // Losses and held-out figures at each step; the rest of the metrics would be most of the file.
  const kept = /^(eval_|loss$|nll|preference_loss|rewards\/margins|grad_norm|step_seconds)/;
  const short = runs.map(({ name, value }) => ({ name, value: value.filter(({ key }) => kept.test(key)) }));
  writeFileSync(flags.out, `${JSON.stringify({ thetas, runs: short, tests })}\n`);
}
