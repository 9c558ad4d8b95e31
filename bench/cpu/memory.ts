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

const USAGE = `node bench/cpu/memory.ts [--random] [--model DIR] [--trainable lora|full] [--block 128] [--quick] [--out FILE]

Highest resident memory (VmHWM) of a process that loads a model and does one LongPO step on a packed pair of T tokens,
T = 1,024 to 8,192, with both kinds of checkpointing; a straight line and a parabola through the points.
  --random   a Llama of 25 million random parameters as well as the demo model
  --model    another model folder as well
  --block    longest query block of the attention (Longhand's own limit is 256, and the size that it chooses below that
             depends on T: with 128 it is 128 at every T measured here, so the points are of one kind)
  --out      results are written to FILE.json and FILE.md (bench/results/memory)`;

const { values: flags } = parseArgs({
  options: {
    random: { type: 'boolean', default: false },
    model: { type: 'string' },
    trainable: { type: 'string', default: 'lora' },
    block: { type: 'string', default: '128' },
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
  /** MiB that were alive together inside the runtime, from a second run with its profiler on. */
  readonly alive: number;
}

interface Fit {
  readonly linear: LinearFit;
  readonly quadratic: readonly [number, number, number];
  /** What the parabola's square term comes to at the longest T, as a share of the memory there. */
  readonly squareShare: number;
}

interface Series {
  readonly model: string;
  readonly checkpointing: 'none' | 'layer';
  readonly points: readonly Point[];
  readonly resident: Fit;
  readonly alive: Fit;
}

const pointSchema = z.object({ loaded: z.number(), peak: z.number(), milliseconds: z.number(), alive: z.number() });
const run = promisify(execFile);

interface Request {
  readonly modelDir: string;
  readonly tokens: number;
  readonly checkpointing: 'none' | 'layer';
}

async function point(request: Request, count: boolean): Promise<z.output<typeof pointSchema>> {
  const script = path.join(import.meta.dirname, 'memory-point.ts');
  const fixed = {
    answer: ANSWER,
    trainable: flags.trainable,
    threads: Number(flags.threads),
    block: Number(flags.block),
  };
  const { stdout } = await run(process.execPath, [script, JSON.stringify({ ...request, ...fixed, count })]);
  return pointSchema.parse(JSON.parse(stdout));
}

function fitOf(points: readonly Point[], value: (point: Point) => number): Fit {
  const x = points.map(({ tokens }) => tokens);
  const y = points.map(value);
  const quadratic = quadraticFit(x, y);
  const squareShare = (quadratic[2] * (x.at(-1) ?? NaN) ** 2) / (y.at(-1) ?? NaN);
  return { linear: linearFit(x, y), quadratic, squareShare };
}

async function measure(model: string, modelDir: string, checkpointing: 'none' | 'layer'): Promise<Series> {
  const points: Point[] = [];
  for (const tokens of LENGTHS) {
    const request = { modelDir, tokens, checkpointing };
    const { loaded, peak, milliseconds } = await point(request, false);
    const { alive } = await point(request, true);
    points.push({ tokens, loaded, peak, milliseconds, alive });
    console.log(`${model}, checkpointing ${checkpointing}, T = ${tokens}: ${peak.toFixed(0)} MiB`);
  }
  return {
    model,
    checkpointing,
    points,
    resident: fitOf(points, ({ peak }) => peak),
    alive: fitOf(points, ({ alive }) => alive),
  };
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
    `Packed pair of T tokens (document, 2 answers of ${ANSWER}), ${flags.trainable === 'full' ? 'full fine-tuning' : 'LoRA r 16'}, NLL on the whole chosen sequence, attention blocks of at most ${flags.block}. Resident: highest resident memory (VmHWM) of a process of its own for each point, Node and the model included. Alive: the most that the runtime had allocated at once, without the gaps that its arena leaves between buffers.`,
    table(
      ['model', 'checkpointing', 'memory', ...LENGTHS.map((tokens) => `T ${tokens}`)],
      series.flatMap(({ model, checkpointing, points }) => [
        [model, checkpointing, 'resident', ...points.map(({ peak }) => `${peak.toFixed(0)} MiB`)],
        [model, checkpointing, 'alive', ...points.map(({ alive }) => `${alive.toFixed(0)} MiB`)],
        [model, checkpointing, '(time)', ...points.map(({ milliseconds }) => duration(milliseconds))],
      ]),
    ),
    'Straight line through the points, and beside it the square term of a parabola: `c2` in MiB a token squared, and what it comes to at the longest T as a share of the memory there.',
    table(
      [
        'model',
        'checkpointing',
        'memory',
        'MiB at T = 0',
        'KiB a token',
        'R^2',
        'largest deviation',
        'c2',
        'square term',
      ],
      series.flatMap(({ model, checkpointing, resident, alive }) =>
        (
          [
            ['resident', resident],
            ['alive', alive],
          ] as const
        ).map(([name, { linear, quadratic, squareShare }]) => [
          model,
          checkpointing,
          name,
          linear.intercept.toFixed(0),
          (1024 * linear.slope).toFixed(1),
          linear.r2.toFixed(5),
          `${(100 * linear.largestDeviation).toFixed(1)}%`,
          quadratic[2].toExponential(1),
          `${(100 * squareShare).toFixed(1)}%`,
        ]),
      ),
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
