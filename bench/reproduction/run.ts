import { AsyncLocalStorage } from 'node:async_hooks';
import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  createWriteStream,
  readdirSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { armsOf, type Arm, type Plan } from './arms.ts';
import type { MetricRow } from '../../src/shared/metrics.ts';
import { evaluationsOf, newestRun } from './stored.ts';
import type { StoredEvaluation } from './stored.ts';

const USAGE = `node bench/reproduction/run.ts FOLDER --model DIR --data DIR [--device cuda] [--cards 0,1] [--jobs 2] [--plan quick|full] [--seconds N] [--step all|base|pairs]

LongPO against its baselines with a small model, all through Longhand's command line: RoPE theta by held-out NLL, pairs made by the
model itself, arms tuned over the same learning rates, RULER and short tasks before and after. DIR of --data is made by corpus.ts.
  --cards     numbers of the cards to use side by side; without it, the only one
  --jobs      processes at a time on one device
  --step      base: only the untrained models; pairs: only the pairs and their reference
  --seconds   nothing new is begun after them, and what runs is stopped; the same command goes on where it was
Results: FOLDER/results/*.json, one for each step; table.ts makes the tables.`;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string' },
    data: { type: 'string' },
    device: { type: 'string', default: 'cpu' },
    cards: { type: 'string' },
    jobs: { type: 'string', default: '1' },
    plan: { type: 'string', default: 'full' },
    seconds: { type: 'string', default: '1e9' },
    step: { type: 'string', default: 'all' },
    help: { type: 'boolean', default: false },
  },
});
const [folder] = positionals;
if (flags.help || folder === undefined || flags.model === undefined || flags.data === undefined) {
  console.log(USAGE);
  process.exit(flags.help ? 0 : 2);
}
const root = path.resolve(folder);
const data = path.resolve(flags.data);
const source = path.resolve(flags.model);
/** On a card the processor has little to do, and several runs share it. */
const where = ['--device', flags.device, ...(flags.device === 'cuda' ? ['--threads', '4'] : [])];
const results = path.join(root, 'results');
mkdirSync(results, { recursive: true });
const started = performance.now();
const deadline = started + Number(flags.seconds) * 1000;
const plan = JSON.parse(readFileSync(new URL(`plan-${flags.plan}.json`, import.meta.url), 'utf8')) as Plan;
const cli = new URL('../../src/main/cli.ts', import.meta.url).pathname;
const say = (text: string): void => console.log(`[${((performance.now() - started) / 1000).toFixed(0)} s] ${text}`);

/** The card that the work at hand has to itself, or shares with `jobs` - 1 others. */
const cardOf = new AsyncLocalStorage<string | undefined>();

class OutOfTime extends Error {}

/** One call of the command line; its JSON report. Its output goes to FOLDER/log. */
async function longhand(label: string, args: readonly string[]): Promise<unknown> {
  if (performance.now() > deadline) throw new OutOfTime();
  const report = path.join(root, `${label}.report.json`);
  mkdirSync(path.join(root, 'log'), { recursive: true });
  const log = createWriteStream(path.join(root, 'log', `${label}.txt`), { flags: 'a' });
  const begun = performance.now();
  const card = cardOf.getStore();
  const child = spawn(process.execPath, [cli, ...args, '--json', report], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...(card === undefined ? {} : { LONGHAND_CUDA_DEVICE: card }) },
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text: Buffer) =>
      log.write(`[${((performance.now() - begun) / 1000).toFixed(1)} s] ${String(text)}`),
    );
  }
  const timer = setTimeout(() => child.kill('SIGKILL'), Math.min(deadline + 2000 - begun, 2 ** 31 - 1));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  clearTimeout(timer);
  const seconds = (performance.now() - begun) / 1000;
  if (code !== 0) {
    if (performance.now() > deadline) throw new OutOfTime();
    const tail = readFileSync(path.join(root, 'log', `${label}.txt`), 'utf8').slice(-800);
    throw new Error(`${label} ended with ${code}: ${tail}`);
  }
  say(`${label}: ${seconds.toFixed(1)} s`);
  return JSON.parse(readFileSync(report, 'utf8'));
}

/** Does a step once: its result is kept in a file, and read from there the next time. */
async function once<T>(name: string, work: () => Promise<T>): Promise<T> {
  const file = path.join(results, `${name}.json`);
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as T;
  const value = await work();
  writeFileSync(`${file}.tmp`, JSON.stringify(value));
  renameSync(`${file}.tmp`, file);
  return value;
}

/** Runs works in their order, at most `jobs` at a time on each card. */
const free: (string | undefined)[] = Array.from(
  { length: Number(flags.jobs) },
  () => flags.cards?.split(',') ?? [undefined],
).flat();
const waiting: ((card: string | undefined) => void)[] = [];
async function slot<T>(work: () => Promise<T>): Promise<T> {
  const card =
    free.length > 0 ? free.shift() : await new Promise<string | undefined>((resolve) => waiting.push(resolve));
  try {
    return await cardOf.run(card, work);
  } finally {
    const next = waiting.shift();
    if (next === undefined) free.push(card);
    else next(card);
  }
}

/** The model's folder with another RoPE base and positions for the longest input; the weights are a link. */
function modelFolder(theta: number): string {
  const to = path.join(root, 'models', `theta-${theta}`);
  if (existsSync(path.join(to, 'config.json'))) return to;
  mkdirSync(to, { recursive: true });
  for (const file of readdirSync(source).filter((name) => name !== 'config.json')) {
    rmSync(path.join(to, file), { force: true });
    symlinkSync(path.join(source, file), path.join(to, file));
  }
  const config = JSON.parse(readFileSync(path.join(source, 'config.json'), 'utf8')) as Record<string, unknown>;
  const changed = { ...config, rope_theta: theta, max_position_embeddings: plan.positions };
  writeFileSync(path.join(to, 'config.json'), JSON.stringify(changed, null, 2));
  return to;
}
const ownTheta = Number(
  (JSON.parse(readFileSync(path.join(source, 'config.json'), 'utf8')) as { rope_theta: number }).rope_theta,
);

const texts = (): object[] =>
  plan.texts.map(({ tokens, limit }) => ({
    kind: 'text',
    name: `nll/${tokens}`,
    path: path.join(data, `nll-${tokens}.jsonl`),
    maxTokens: tokens,
    limit,
  }));
const ruler = (): object[] =>
  plan.ruler.map(({ task, length, items }) => ({
    ...{ kind: 'ruler', name: `${task}/${length}`, task, lengths: [length], itemsPerCell: items, seed: 1 },
    documents: task === 'niah_single_1' || task === 'vt' ? [] : [path.join(data, 'haystack.jsonl')],
  }));
const sets = new URL('../../resources/evaluation/sets/', import.meta.url).pathname;
const choices = (): object[] =>
  plan.choices.map(({ form, limit }) => ({
    kind: 'multiple_choice',
    name: form,
    form,
    path: path.join(sets, `${form}.jsonl`),
    limit,
  }));

async function evaluate(
  label: string,
  workspace: string,
  what: readonly string[],
  tasks: readonly object[],
): Promise<StoredEvaluation[]> {
  const file = path.join(root, `${label}.tasks.json`);
  writeFileSync(file, JSON.stringify(tasks));
  const report = await longhand(label, ['evaluate', '--workspace', workspace, ...where, ...what, '--tasks', file]);
  const { evaluations } = report as { evaluations: { id: number }[] };
  return evaluationsOf(
    workspace,
    evaluations.map(({ id }) => id),
  );
}

const figure = (result: readonly StoredEvaluation[], name: string, key: string): number =>
  result.find((each) => each.name === name)?.summary[key] ?? NaN;

/** RoPE base without training: the one with the least NLL over the longest texts. */
async function chooseTheta(): Promise<number> {
  const found = await Promise.all(
    plan.thetas.map((theta) =>
      slot(() =>
        once(`theta-${theta}`, () =>
          evaluate(`theta-${theta}`, path.join(root, `ws-theta-${theta}`), ['--model', modelFolder(theta)], texts()),
        ),
      ).then((result) => ({
        theta,
        loss: plan.thetaBy.reduce((sum, tokens) => sum + figure(result, `nll/${tokens}`, 'nll'), 0),
      })),
    ),
  );
  found.sort((a, b) => a.loss - b.loss);
  say(`theta: ${found.map(({ theta, loss }) => `${theta} ${loss.toFixed(4)}`).join(', ')}`);
  return found[0]?.theta ?? ownTheta;
}

/** Documents and the model's own pairs, and the reference's log-probabilities of them (by a run of one step). */
async function makePairs(theta: number): Promise<string> {
  const workspace = path.join(root, 'ws');
  const model = modelFolder(ownTheta);
  await once('import', () => longhand('import', ['import', '--workspace', workspace, path.join(data, 'train.jsonl')]));
  const long = ['--template-file', new URL('question.json', import.meta.url).pathname, '--rope-theta', String(theta)];
  await once('generate', () =>
    longhand('generate', ['generate', '--workspace', workspace, ...where, '--model', model, ...plan.generate, ...long]),
  );
  await once('reference', () =>
    train(
      'reference',
      workspace,
      { arm: 'longpo', flags: ['--objective', 'longpo'] },
      plan.rates[0] ?? 1e-4,
      0,
      theta,
      ['--max-steps', '1'],
    ),
  );
  return workspace;
}

function train(
  label: string,
  workspace: string,
  arm: Arm,
  rate: number,
  seed: number,
  theta: number,
  more: readonly string[] = [],
): Promise<unknown> {
  return longhand(label, [
    ...['train', '--workspace', workspace, '--model', modelFolder(ownTheta), ...where, ...plan.train, ...arm.flags],
    ...['--learning-rate', String(rate), '--seed', String(seed), '--rope-theta', String(theta), ...more],
  ]);
}

/** A copy of the workspace for each run, so that runs go side by side. */
function copyOf(workspace: string, name: string): string {
  const to = path.join(root, `ws-${name}`);
  rmSync(to, { recursive: true, force: true });
  cpSync(workspace, to, { recursive: true });
  return to;
}

async function trainOnce(arm: Arm, rate: number, seed: number, workspace: string, theta: number): Promise<void> {
  const name = `${arm.arm}-${rate}-${seed}`;
  await once(`train-${name}`, async () => {
    const copy = copyOf(workspace, name);
    await train(`train-${name}`, copy, arm, rate, seed, theta);
    return newestRun(copy).metrics;
  });
}

function test(name: string, tasks: readonly object[]): Promise<StoredEvaluation[]> {
  const workspace = path.join(root, `ws-${name}`);
  return once(`test-${name}`, () =>
    evaluate(`test-${name}`, workspace, ['--run', String(newestRun(workspace).id)], tasks),
  );
}

/** The metrics of a training that is done. */
async function metricsOf(name: string): Promise<MetricRow[]> {
  return JSON.parse(await readFile(path.join(results, `train-${name}.json`), 'utf8')) as MetricRow[];
}

/** What decides about a learning rate, the same for every arm: NLL of the held-out chosen answers behind their long documents. */
async function heldOutNll(name: string): Promise<number> {
  return (await metricsOf(name)).findLast(({ key }) => key === 'eval_nll/answers')?.value ?? Infinity;
}

/** Optimizer steps of the arm that the others' token budget is measured by. */
async function stepsOf(name: string): Promise<number> {
  return Math.max(...(await metricsOf(name)).map(({ step }) => step));
}

async function main(): Promise<void> {
  const theta = await chooseTheta();
  const tasks = [...ruler(), ...texts(), ...choices()];
  const failures: unknown[] = [];
  const attempt = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => failures.push(error));
  const baselines = (flags.step === 'pairs' ? [] : [ownTheta, theta]).map((each) =>
    attempt(
      slot(() =>
        once(`test-base-${each}`, () =>
          evaluate(`test-base-${each}`, path.join(root, `ws-base-${each}`), ['--model', modelFolder(each)], tasks),
        ),
      ),
    ),
  );
  if (flags.step === 'base') {
    await Promise.all(baselines);
    return;
  }
  const workspace = await slot(() => makePairs(theta));
  if (flags.step === 'pairs') return;
  const arms = armsOf(plan);
  const [first = 0, ...others] = plan.seeds;
  const tuned = arms.filter(({ rateOf }) => rateOf === undefined);
  await Promise.all([
    ...baselines,
    ...tuned.flatMap((arm) =>
      plan.rates.map((rate) => attempt(slot(() => trainOnce(arm, rate, first, workspace, theta)))),
    ),
  ]);
  const rates = new Map<string, number>();
  for (const { arm } of tuned) {
    const losses = plan.rates.map((rate) => heldOutNll(`${arm}-${rate}-${first}`).catch(() => Infinity));
    const found = (await Promise.all(losses)).map((loss, i) => ({ rate: plan.rates[i] ?? NaN, loss }));
    found.sort((a, b) => a.loss - b.loss);
    say(`${arm}: ${found.map(({ rate, loss }) => `${rate} ${loss.toFixed(4)}`).join(', ')}`);
    rates.set(arm, found[0]?.rate ?? NaN);
  }
  const trainAndTest = (arm: Arm, seed: number): Promise<unknown> => {
    const original = arm.rateOf ?? arm.arm;
    const rate = rates.get(original) ?? NaN;
    return attempt(
      slot(async () => {
        const budget = arm.isCut === true ? ['--max-steps', String(await stepsOf(`${original}-${rate}-${first}`))] : [];
        await trainOnce({ ...arm, flags: [...arm.flags, ...budget] }, rate, seed, workspace, theta);
        await test(`${arm.arm}-${rate}-${seed}`, tasks);
      }),
    );
  };
  const both = arms.filter(({ seeds }) => seeds !== 1);
  const [second, ...more] = others;
  // What matters most comes first: time may run out.
  await Promise.all([
    ...[first, ...(second === undefined ? [] : [second])].flatMap((seed) => both.map((arm) => trainAndTest(arm, seed))),
    ...arms.filter(({ seeds }) => seeds === 1).map((arm) => trainAndTest(arm, first)),
    ...more.flatMap((seed) => both.map((arm) => trainAndTest(arm, seed))),
  ]);
  for (const each of failures) if (!(each instanceof OutOfTime)) say(String(each));
  say(failures.length === 0 ? 'complete' : 'not complete');
}

await main().catch((error: unknown) => say(error instanceof OutOfTime ? 'out of time' : String(error)));
process.exit(0);
