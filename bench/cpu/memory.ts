import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { z } from 'zod';
import { describeEnvironment, environment } from './environment.ts';
import { linearFit, quadraticFit, type LinearFit } from './fit.ts';
import { duration, RESULTS, table, writeResults } from './report.ts';
import { writeRandomModel } from './random-model.ts';
import { DEMO_MODEL } from './workloads.ts';

const USAGE = `node bench/cpu/memory.ts [--random] [--model DIR] [--trainable lora|full] [--quick] [--out FILE]

Highest resident memory (VmHWM) of a process that loads a model and does one LongPO step on a packed pair of T tokens,
T = 1,024 to 8,192, with both kinds of checkpointing; a straight line and a parabola through the points.
  --random   a Llama of 25 million random parameters as well as the demo model
  --model    another model folder as well
  --out      results are written to FILE.json and FILE.md (bench/results/memory)`;

const { values: flags } = parseArgs({
  options: {
    random: { type: 'boolean', default: false },
    model: { type: 'string' },
    trainable: { type: 'string', default: 'lora' },
    quick: { type: 'boolean', default: false },
    out: { type: 'string' },
    threads: { type: 'string', default: '2' },
    help: { type: 'boolean', default: false },
  },
});
if (flags.help || !['lora', 'full'].includes(flags.trainable)) {
  console.log(USAGE);
  process.exit(flags.help ? 0 : 2);
}

const ANSWER = 128;
const LENGTHS = flags.quick ? [1024, 2048, 3072] : [1024, 2048, 3072, 4096, 5120, 6144, 7168, 8192];

interface Point {
  readonly tokens: number;
  /** MiB before the step, and the highest. */
  readonly loaded: number;
  readonly peak: number;
  readonly milliseconds: number;
}

interface Series {
  readonly model: string;
  readonly checkpointing: 'none' | 'layer';
  readonly points: readonly Point[];
  readonly linear: LinearFit;
  readonly quadratic: readonly [number, number, number];
  /** What the parabola's square term comes to at the longest T, as a share of the memory there. */
  readonly squareShare: number;
}

const pointSchema = z.object({ loaded: z.number(), peak: z.number(), milliseconds: z.number() });
const run = promisify(execFile);

async function measure(model: string, modelDir: string, checkpointing: 'none' | 'layer'): Promise<Series> {
  const points: Point[] = [];
  for (const tokens of LENGTHS) {
    const request = {
      modelDir,
      tokens,
      answer: ANSWER,
      trainable: flags.trainable,
      checkpointing,
      threads: Number(flags.threads),
    };
    const script = path.join(import.meta.dirname, 'memory-point.ts');
    const { stdout } = await run(process.execPath, [script, JSON.stringify(request)]);
    points.push({ tokens, ...pointSchema.parse(JSON.parse(stdout)) });
    console.log(`${model}, checkpointing ${checkpointing}, T = ${tokens}: ${points.at(-1)?.peak.toFixed(0)} MiB`);
  }
  const x = points.map(({ tokens }) => tokens);
  const y = points.map(({ peak }) => peak);
  const quadratic = quadraticFit(x, y);
  const longest = points.at(-1);
  if (longest === undefined) throw new Error('several lengths');
  const squareShare = (quadratic[2] * longest.tokens ** 2) / longest.peak;
  return { model, checkpointing, points, linear: linearFit(x, y), quadratic, squareShare };
}

const machine = environment(Number(flags.threads));
const temporary = await mkdtemp(path.join(tmpdir(), 'longhand-memory-'));
try {
  const models: [string, string][] = [['demo 0.7M', DEMO_MODEL]];
  if (flags.random) {
    await writeRandomModel(temporary);
    models.push(['random 25M', temporary]);
  }
  if (flags.model !== undefined) models.push([path.basename(flags.model), flags.model]);
  const series: Series[] = [];
  for (const [name, dir] of models) {
    for (const checkpointing of ['none', 'layer'] as const) series.push(await measure(name, dir, checkpointing));
  }

  const text = [
    '# Memory of one LongPO step by length',
    describeEnvironment(machine),
    `Packed pair of T tokens (document, 2 answers of ${ANSWER}), ${flags.trainable === 'full' ? 'full fine-tuning' : 'LoRA r 16'}, NLL on the whole chosen sequence. Highest resident memory (VmHWM) of a process of its own for each point, Node and the model included.`,
    table(
      ['model', 'checkpointing', ...LENGTHS.map((tokens) => `T ${tokens}`)],
      series.map(({ model, checkpointing, points }) => [
        model,
        checkpointing,
        ...points.map(({ peak, milliseconds }) => `${peak.toFixed(0)} MiB, ${duration(milliseconds)}`),
      ]),
    ),
    'Straight line through the points, and beside it the square term of a parabola: `c2` in MiB a token squared, and what it comes to at the longest T.',
    table(
      [
        'model',
        'checkpointing',
        'MiB at T = 0',
        'KiB a token',
        'R^2',
        'largest deviation',
        'c2',
        'square term at longest T',
      ],
      series.map(({ model, checkpointing, linear, quadratic, squareShare }) => [
        model,
        checkpointing,
        linear.intercept.toFixed(0),
        (1024 * linear.slope).toFixed(1),
        linear.r2.toFixed(5),
        `${(100 * linear.largestDeviation).toFixed(1)}%`,
        quadratic[2].toExponential(1),
        `${(100 * squareShare).toFixed(1)}%`,
      ]),
    ),
  ].join('\n\n');
  await writeResults(
    flags.out ?? path.join(RESULTS, flags.quick ? 'memory-quick' : 'memory'),
    { environment: machine, trainable: flags.trainable, answer: ANSWER, series },
    text,
  );
} finally {
  await rm(temporary, { recursive: true, force: true });
}
