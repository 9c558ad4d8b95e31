import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { compareModels } from '../../src/main/engine/evaluation/compare.ts';
import type { Estimate } from '../../src/shared/evaluation-tasks.ts';
import type { MetricRow } from '../../src/shared/metrics.ts';
import type { StoredEvaluation } from './stored.ts';

const USAGE = `node bench/reproduction/table.ts RESULTS... [--out FILE.json]

Markdown tables of what run.ts left in FOLDER/results: every arm on every set, with 95% bootstrap intervals over items and the
paired difference to the first arm that answered the set. Several folders are read as one; --out keeps all of it as one file.`;

const args = process.argv.slice(2);
const at = args.indexOf('--out');
const [out] = at === -1 ? [undefined] : args.splice(at, 2).slice(1);
if (args.length === 0 || args.includes('--help')) {
  console.log(USAGE);
  process.exit(args.length === 0 ? 2 : 0);
}

const files = args.flatMap((folder) => readdirSync(folder).map((name) => path.join(folder, name)));
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

const sets = [...new Set(tests.flatMap(({ value }) => value.map(({ name }) => name)))];
for (const set of sets) {
  const isLoss = set.startsWith('nll/');
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
  const { rows, items } = compareModels(values, { higherIsBetter: !isLoss });
  console.log(`### ${set}, ${items.length} items that all answered\n`);
  table(
    [isLoss ? 'NLL of' : 'score of', 'mean', `difference to ${baseline.name}`, 'better', 'worse'],
    rows.map(({ name, mean, difference, better, worse }) => [
      name,
      interval(mean),
      difference === null ? '' : interval(difference),
      String(better.length),
      String(worse.length),
    ]),
  );
}
if (out !== undefined) writeFileSync(out, `${JSON.stringify({ thetas, runs, tests })}\n`);
