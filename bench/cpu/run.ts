import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { writeAdapter } from '../../src/main/engine/model/peft.ts';
import type { ParameterLayout } from '../../src/main/engine/model/parameters.ts';
import type { TrainingExample } from '../../src/main/engine/training/example.ts';
import type { ObjectiveSettings } from '../../src/main/engine/training/objectives.ts';
import { describeEnvironment, environment, freeGiB, peakMiB } from './environment.ts';
import { OurGenerator, OurTrainer, type Trainable } from './ours.ts';
import { Peer, type PeerMode } from './peer.ts';
import { profile, profileMarkdown, type Profile } from './profile.ts';
import { duration, ratio, RESULTS, table, writeResults } from './report.ts';
import { inTurn, type Times } from './timing.ts';
import { DEMO_MODEL, demoExample, prompts, textExample, twoSequences } from './workloads.ts';

const USAGE = `node bench/cpu/run.ts --python PYTHON [--smollm2 DIR] [--quick] [--out FILE] [--only TEXT] [--threads 2]
node bench/cpu/run.ts --profile [--smollm2 DIR] [--out FILE]

One training step and 128 decoded tokens, Longhand against PyTorch + transformers (+ PEFT), in turn in one run.
  --python   interpreter with torch, transformers and peft
  --smollm2  folder of SmolLM2-135M; without it only the demo model is measured
  --quick    two rounds of each: shows that everything runs, times mean little
  --only     only configurations whose name contains TEXT
  --profile  our side alone, with ONNX Runtime's time of each operator
  --out      results are written to FILE.json and FILE.md (bench/results/cpu, cpu-profile)`;

const { values: flags } = parseArgs({
  options: {
    python: { type: 'string' },
    smollm2: { type: 'string' },
    quick: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    out: { type: 'string' },
    only: { type: 'string', default: '' },
    threads: { type: 'string', default: '2' },
    help: { type: 'boolean', default: false },
  },
});
if (flags.help || (!flags.profile && flags.python === undefined)) {
  console.log(USAGE);
  process.exit(flags.help ? 0 : 2);
}
const threads = Number(flags.threads);

interface Workload {
  readonly name: string;
  readonly modelDir: string;
  readonly example: TrainingExample;
  readonly settings: ObjectiveSettings;
  readonly rounds: number;
  /** Memory that both sides need together for full fine-tuning. */
  readonly fullGiB: number;
}

/** The demo's own recipe; and LongPO as published. */
const DEMO_OBJECTIVE: ObjectiveSettings = {
  objective: 'longpo',
  beta: 0.1,
  lambda: 0.01,
  nllDocument: 0.1,
  nllAnswers: 1,
};
const PAPER_OBJECTIVE: ObjectiveSettings = {
  objective: 'longpo',
  beta: 0.1,
  lambda: 0.01,
  nllDocument: 1,
  nllAnswers: 0,
};

async function workloads(): Promise<Workload[]> {
  const found: Workload[] = [
    {
      name: 'demo 0.7M',
      modelDir: DEMO_MODEL,
      example: await demoExample(),
      settings: DEMO_OBJECTIVE,
      rounds: 40,
      fullGiB: 1,
    },
  ];
  if (flags.smollm2 !== undefined) {
    found.push({
      name: 'SmolLM2-135M',
      modelDir: flags.smollm2,
      example: await textExample(flags.smollm2, { document: 896, answer: 128, chunk: 256 }),
      settings: PAPER_OBJECTIVE,
      rounds: 5,
      fullGiB: 18,
    });
  }
  return found;
}

interface StepRow {
  readonly configuration: string;
  readonly comparison: string;
  readonly tokens: { readonly ours: number; readonly theirs: number };
  readonly ours: Times;
  readonly theirs: Times;
  readonly ratio: number;
}

/** Both sides' loss from the same weights, before and after one real update: the gradients agree as well. */
interface LossCheck {
  readonly configuration: string;
  readonly mode: string;
  readonly ours: readonly [number, number];
  readonly theirs: readonly [number, number];
  readonly difference: readonly [number, number];
}

interface PeakRow {
  readonly configuration: string;
  readonly oursMiB: number;
  readonly theirsMiB: number;
}

const steps: StepRow[] = [];
const checks: LossCheck[] = [];
const peaks: PeakRow[] = [];
const skipped: string[] = [];

const COMPARISONS: Record<PeerMode, string> = {
  single: 'one sequence',
  pair: 'pair, reference known',
  pair_reference: 'pair with reference pass',
};
/** Large enough to see a wrong gradient in the next loss, small enough to go down. */
const CHECK_RATE = 1e-4;
const LOSS_TOLERANCE = 1e-3;

function pairForPeer({ tree, short }: TrainingExample, referenceSums: [number, number]): unknown {
  const turns = short.map(twoSequences);
  return {
    ...twoSequences(tree),
    referenceSums,
    short: turns.map(({ chosen, rejected, chosenSpans, rejectedSpans }) => ({
      chosen,
      rejected,
      chosenSpan: chosenSpans[0],
      rejectedSpan: rejectedSpans[0],
    })),
  };
}

async function compareTraining(
  python: string,
  work: Workload,
  trainable: Trainable,
  checkpointing: 'none' | 'layer',
): Promise<void> {
  const label = checkpointing === 'layer' ? ', gradient checkpointing' : '';
  const configuration = `${work.name}, ${trainable === 'full' ? 'full' : 'LoRA r 16'}${label}`;
  if (!configuration.toLowerCase().includes(flags.only.toLowerCase())) return;
  if (trainable === 'full' && freeGiB() < work.fullGiB) {
    skipped.push(`${configuration}: needs ${work.fullGiB} GiB of free memory, ${freeGiB().toFixed(1)} are there`);
    return;
  }
  console.log(configuration);
  const temporary = await mkdtemp(path.join(tmpdir(), 'longhand-bench-'));
  const ours = await OurTrainer.load({ ...work, trainable, checkpointing, threads });
  const peer = Peer.start(python, threads);
  try {
    const { layout } = ours.model;
    const adapter = trainable === 'lora' ? await peerAdapter(temporary, layout, ours.start) : null;
    const { objective: _, ...objective } = work.settings;
    const pair = pairForPeer(work.example, ours.referenceSums);
    const request = { dir: work.modelDir, adapter, checkpointing: checkpointing === 'layer', pair, objective };
    await peer.ask('load_trainer', request, {});

    const modes: readonly PeerMode[] = checkpointing === 'layer' ? ['pair'] : ['single', 'pair', 'pair_reference'];
    for (const mode of modes) checks.push(await checkLoss(configuration, ours, peer, mode, work.settings));

    const rounds = flags.quick ? 2 : work.rounds;
    const time = async (own: 'single' | ObjectiveSettings, peers: readonly PeerMode[]): Promise<void> => {
      ours.reset();
      await peer.ask('reset', {}, {});
      const [first, ...rest] = await inTurn(
        [
          { name: 'ours', run: async () => (await ours.step(own, 1e-6)).milliseconds },
          ...peers.map((mode) => ({ name: mode, run: async () => (await peer.step(mode, 1e-6)).milliseconds })),
        ],
        rounds,
        flags.quick ? 1 : 2,
      );
      if (first === undefined) throw new Error('ours comes first');
      peers.forEach((mode, i) => {
        const theirs = rest[i];
        if (theirs === undefined) throw new Error('times of each peer');
        steps.push({
          configuration,
          comparison: COMPARISONS[mode],
          tokens: tokensOf(work.example, mode),
          ours: first,
          theirs,
          ratio: theirs.median / first.median,
        });
      });
    };
    if (modes.includes('single')) await time('single', ['single']);
    await time(
      work.settings,
      modes.filter((mode) => mode !== 'single'),
    );
    peaks.push({ configuration, oursMiB: peakMiB(), theirsMiB: await peer.peakMiB() });
  } finally {
    await peer.stop();
    await ours.release();
    await rm(temporary, { recursive: true, force: true });
  }
}

async function peerAdapter(temporary: string, layout: ParameterLayout, vector: Float32Array): Promise<string> {
  await writeAdapter(temporary, { layout, vector, baseModel: 'base' });
  return temporary;
}

/** Tokens that each side reads in a step. */
function tokensOf({ tree, short }: TrainingExample, mode: PeerMode): StepRow['tokens'] {
  const { ids, prefix, first, second } = tree.tokens;
  if (mode === 'single') return { ours: prefix + first, theirs: prefix + first };
  const reference = short.reduce((sum, { tokens }) => sum + tokens.ids.length + tokens.prefix, 0);
  const pair = 2 * prefix + first + second;
  return { ours: ids.length, theirs: mode === 'pair' ? pair : pair + reference };
}

async function checkLoss(
  configuration: string,
  ours: OurTrainer,
  peer: Peer,
  mode: PeerMode,
  settings: ObjectiveSettings,
): Promise<LossCheck> {
  ours.reset();
  await peer.ask('reset', {}, {});
  const own = mode === 'single' ? 'single' : settings;
  const a = [(await ours.step(own, CHECK_RATE)).loss, (await ours.step(own, CHECK_RATE)).loss] as const;
  const b = [(await peer.step(mode, CHECK_RATE)).loss, (await peer.step(mode, CHECK_RATE)).loss] as const;
  const difference = [Math.abs(a[0] - b[0]), Math.abs(a[1] - b[1])] as const;
  console.log(
    `  ${COMPARISONS[mode]}: loss ${a[0].toFixed(6)}, theirs differs by ${difference[0].toExponential(1)}; after one update ${a[1].toFixed(6)}, ${difference[1].toExponential(1)}`,
  );
  if (!(Math.max(...difference) < LOSS_TOLERANCE)) {
    throw new Error(
      `${configuration}, ${mode}: the two sides do not compute the same loss (${a.join(', ')} and ${b.join(', ')})`,
    );
  }
  return { configuration, mode: COMPARISONS[mode], ours: a, theirs: b, difference };
}

interface DecodeRow {
  readonly configuration: string;
  readonly batch: number;
  readonly prompt: number;
  readonly shared: boolean;
  readonly ours: Times;
  readonly theirs: Times;
  readonly ratio: number;
  /** Share of the tokens that are the same (greedy; a near tie turns the rest of a sequence). */
  readonly same: number;
}

const decodes: DecodeRow[] = [];
const NEW_TOKENS = 128;
/** 880 + 128 positions fit the demo model. */
const PROMPTS = [32, 880];

async function compareDecoding(python: string, { name, modelDir, rounds }: Workload): Promise<void> {
  const configuration = `${name}, decoding`;
  if (!configuration.toLowerCase().includes(flags.only.toLowerCase())) return;
  console.log(configuration);
  const ours = await OurGenerator.load(modelDir, threads, 1024);
  const peer = Peer.start(python, threads);
  try {
    await peer.ask('load_generator', { dir: modelDir }, {});
    for (const length of PROMPTS) {
      for (const [batch, shared] of [
        [1, false],
        [8, false],
        [8, true],
      ] as const) {
        const different = await prompts(modelDir, batch, length);
        const [document = new Int32Array()] = different;
        const prefix = shared ? document.slice(0, length - 16) : new Int32Array();
        const own = shared ? different.map((ids) => ids.slice(length - 16)) : different;
        const theirs = shared ? own.map((ids) => Int32Array.of(...prefix, ...ids)) : different;
        let [a, b]: (readonly ArrayLike<number>[])[] = [[], []];
        const times = await inTurn(
          [
            {
              name: 'ours',
              run: async () => {
                const result = await ours.generate(prefix, own, NEW_TOKENS);
                a = result.tokens;
                return result.milliseconds;
              },
            },
            {
              name: 'theirs',
              run: async () => {
                const result = await peer.generate(theirs, NEW_TOKENS);
                b = result.tokens;
                return result.milliseconds;
              },
            },
          ],
          flags.quick ? 1 : Math.min(rounds, 10),
          1,
        );
        const [first, second] = times;
        if (first === undefined || second === undefined) throw new Error('two contenders');
        const same = sameTokens(a ?? [], b ?? []);
        decodes.push({
          configuration,
          batch,
          prompt: length,
          shared,
          ours: first,
          theirs: second,
          ratio: second.median / first.median,
          same,
        });
        console.log(
          `  batch ${batch}, prompt ${length}${shared ? ' shared' : ''}: ${duration(first.median)} against ${duration(second.median)}, ${(100 * same).toFixed(1)}% of the tokens the same`,
        );
      }
    }
  } finally {
    await peer.stop();
    await ours.release();
  }
}

function sameTokens(a: readonly ArrayLike<number>[], b: readonly ArrayLike<number>[]): number {
  let same = 0;
  let total = 0;
  b.forEach((row, i) => {
    for (let t = 0; t < row.length; t++) {
      total += 1;
      same += Number(a[i]?.[t] === row[t]);
    }
  });
  return same / total;
}

function markdown(peerVersions: Record<string, unknown>): string {
  const times = ({ median, least, most }: Times): string =>
    `${duration(median)} (${duration(least)} to ${duration(most)})`;
  const parts = [
    '# Longhand against PyTorch on the CPU',
    describeEnvironment(machine),
    `Peer: ${Object.entries(peerVersions)
      .map(([key, value]) => `${key} ${String(value)}`)
      .join(', ')}. Both sides compute in float32.`,
    'Times are medians (least to most) of calls made in turn in one run; the factor is their median divided by ours: above 1, Longhand is faster.',
    ...(flags.quick ? ['**Quick run: these times only show that everything works.**'] : []),
    '## One training step',
    'Forward, backward, clipping and AdamW for one example. "One sequence": the chosen sequence on both sides. "Pair": ours is the packed pair; theirs are chosen and rejected as two padded sequences in one batch, with the reference\'s log-probabilities known before, or with the frozen model\'s pass over the short contexts inside the step (as published).',
    table(
      ['configuration', 'peer computes', 'tokens ours / theirs', 'ours', 'theirs', 'factor', 'runs'],
      steps.map((row) => [
        row.configuration,
        row.comparison,
        `${row.tokens.ours} / ${row.tokens.theirs}`,
        times(row.ours),
        times(row.theirs),
        ratio(row.ratio),
        String(row.ours.runs),
      ]),
    ),
    '### The same loss on both sides',
    'From the same weights, and after one AdamW update on each side.',
    table(
      ['configuration', 'peer computes', 'our loss', 'difference', 'our loss after', 'difference after'],
      checks.map((row) => [
        row.configuration,
        row.mode,
        row.ours[0].toFixed(6),
        row.difference[0].toExponential(1),
        row.ours[1].toFixed(6),
        row.difference[1].toExponential(1),
      ]),
    ),
    '### Highest resident memory',
    'Of each process after the steps above. Ours is one process for all configurations in their order, so a line also bounds the ones before it.',
    table(
      ['configuration', 'ours MiB', 'theirs MiB'],
      peaks.map((row) => [row.configuration, row.oursMiB.toFixed(0), row.theirsMiB.toFixed(0)]),
    ),
    `## ${NEW_TOKENS} decoded tokens`,
    'Greedy, prompt included, no end token on either side; theirs is transformers\' `generate` with its cache. "Shared": prompts that differ in their last 16 tokens only (8 questions about one document), which Longhand reads once.',
    table(
      ['configuration', 'batch', 'prompt', 'ours', 'theirs', 'factor', 'our tokens/s', 'same tokens', 'runs'],
      decodes.map((row) => [
        row.configuration,
        String(row.batch),
        `${row.prompt}${row.shared ? ' shared' : ''}`,
        times(row.ours),
        times(row.theirs),
        ratio(row.ratio),
        ((1000 * row.batch * NEW_TOKENS) / row.ours.median).toFixed(0),
        `${(100 * row.same).toFixed(1)}%`,
        String(row.ours.runs),
      ]),
    ),
    ...(skipped.length === 0 ? [] : ['## Left out', skipped.map((line) => `- ${line}`).join('\n')]),
  ];
  return parts.join('\n\n');
}

/** Every step of a decode is alike; a trace of them all would be gigabytes. */
const PROFILED_TOKENS = 32;

async function runProfile(): Promise<void> {
  const profiles: Profile[] = [];
  for (const work of await workloads()) {
    const repeat = flags.quick ? 1 : work.rounds > 10 ? 20 : 2;
    for (const trainable of ['lora', 'full'] as const) {
      for (const what of ['single', work.settings] as const) {
        const title = `${work.name}, ${trainable}, ${what === 'single' ? 'one sequence' : 'packed pair'}`;
        if (!title.toLowerCase().includes(flags.only.toLowerCase())) continue;
        console.log(title);
        profiles.push(
          await profile(title, repeat, async (prefix) => {
            const ours = await OurTrainer.load({ ...work, trainable, checkpointing: 'none', threads, profile: prefix });
            return {
              step: () => ours.step(what, 1e-6),
              end: async () => {
                ours.model.endProfiling();
                await ours.release();
              },
            };
          }),
        );
      }
    }
    for (const [batch, length] of [
      [1, 32],
      [8, 880],
    ] as const) {
      const title = `${work.name}, decoding ${PROFILED_TOKENS} tokens, batch ${batch}, prompt ${length}`;
      if (!title.toLowerCase().includes(flags.only.toLowerCase())) continue;
      console.log(title);
      const own = await prompts(work.modelDir, batch, length);
      profiles.push(
        await profile(title, 1, async (prefix) => {
          const ours = await OurGenerator.load(work.modelDir, threads, 1024, prefix);
          return {
            step: () => ours.generate(new Int32Array(), own, PROFILED_TOKENS),
            end: async () => {
              ours.endProfiling();
              await ours.release();
            },
          };
        }),
      );
    }
  }
  const text = ['# Where the time goes', describeEnvironment(machine), ...profiles.map(profileMarkdown)].join('\n\n');
  await writeResults(flags.out ?? path.join(RESULTS, 'cpu-profile'), { environment: machine, profiles }, text);
}

const machine = environment(threads);
if (flags.profile) {
  await runProfile();
} else {
  const python = flags.python ?? '';
  const asked = Peer.start(python, threads);
  const text = z.union([z.string(), z.number(), z.boolean()]);
  const peerVersions = await asked.ask(
    'versions',
    {},
    {
      python: text,
      torch: text,
      transformers: text,
      peft: text,
      threads: text,
      cpuCapability: text,
      mkl: text,
      onednn: text,
    },
  );
  await asked.stop();
  for (const work of await workloads()) {
    await compareDecoding(python, work);
    await compareTraining(python, work, 'lora', 'none');
    await compareTraining(python, work, 'lora', 'layer');
    await compareTraining(python, work, 'full', 'none');
    await compareTraining(python, work, 'full', 'layer');
  }
  await writeResults(
    flags.out ?? path.join(RESULTS, flags.quick ? 'cpu-quick' : 'cpu'),
    { environment: machine, peer: peerVersions, quick: flags.quick, steps, checks, peaks, decodes, skipped },
    markdown(peerVersions),
  );
}
