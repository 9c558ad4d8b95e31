import path from 'node:path';
import { parseArgs } from 'node:util';
import { loadResidentModel } from '../../src/main/engine/resident/resident-model.ts';
import {
  objectiveSlopes,
  relativeDifference,
  separateGradients,
  separatePair,
  sequenceGradient,
} from '../../tests/main/engine/resident/separate-pair.ts';
import { describeEnvironment, environment } from './environment.ts';
import { trainableOptions, type Trainable } from './ours.ts';
import { pairOfLength } from './pair-of-length.ts';
import { duration, ratio, RESULTS, table, writeResults } from './report.ts';
import { inTurn, timed, type Times } from './timing.ts';
import { DEMO_MODEL } from './workloads.ts';

const USAGE = `node bench/cpu/packed.ts [--model DIR] [--document 4096] [--answer 128] [--rounds 15] [--quick] [--out FILE]

Loss and gradient of one pair: packed into one row, against chosen and rejected as two sequences, both with Longhand's
own engine. The two sequences get their slopes (the coupling by the preference term) for nothing.
  --model    another model than the demo's
  --out      results are written to FILE.json and FILE.md (bench/results/packed)`;

const { values: flags } = parseArgs({
  options: {
    model: { type: 'string', default: DEMO_MODEL },
    document: { type: 'string', default: '4096' },
    answer: { type: 'string', default: '128' },
    rounds: { type: 'string', default: '15' },
    quick: { type: 'boolean', default: false },
    out: { type: 'string' },
    threads: { type: 'string', default: '2' },
    help: { type: 'boolean', default: false },
  },
});
if (flags.help) {
  console.log(USAGE);
  process.exit(0);
}
const [document, answer, threads] = [Number(flags.document), Number(flags.answer), Number(flags.threads)];
const rounds = flags.quick ? 2 : Number(flags.rounds);
const TOLERANCE = 1e-5;

interface Row {
  readonly trainable: Trainable;
  readonly checkpointing: 'none' | 'layer';
  readonly packed: Times;
  readonly separate: Times;
  readonly ratio: number;
  readonly lossDifference: number;
  readonly gradientDifference: number;
}

async function measure(trainable: Trainable, checkpointing: 'none' | 'layer'): Promise<Row> {
  const runner = await loadResidentModel(flags.model, {
    device: 'cpu',
    threads,
    trainable: trainableOptions(trainable),
    checkpointing,
    programs: ['score', 'gradients'],
  });
  try {
    const { tree, targets, input: guess, state } = await pairOfLength(runner, document, answer);
    // References at the policy's own sums, z = 0: the preference term, which couples the two sequences, is at its steepest.
    const logps = await runner.score(tree.tokens, targets.targets, state);
    const sum = (mask: Float32Array): number => logps.reduce((total, logp, m) => total + logp * (mask[m] ?? NaN), 0);
    const input = { ...guess, referenceChosen: sum(guess.chosenMask), referenceRejected: sum(guess.rejectedMask) };
    const pair = separatePair(tree.tokens, targets);
    const whole = await runner.gradients(tree.tokens, targets.targets, input, state);
    const parts = await separateGradients(runner, pair, input, state);
    const lossDifference = Math.abs(whole.loss / parts.loss - 1);
    const gradientDifference = relativeDifference(whole.gradient, parts.gradient);
    if (!(Math.max(lossDifference, gradientDifference) < TOLERANCE)) {
      throw new Error(`packed and separate differ: loss ${lossDifference}, gradient ${gradientDifference} (relative)`);
    }
    const { slopes } = objectiveSlopes(parts.logps, input);
    const [packed, separate] = await inTurn(
      [
        { name: 'packed', run: () => timed(() => runner.gradients(tree.tokens, targets.targets, input, state)) },
        {
          name: 'separate',
          run: () =>
            timed(async () => {
              await sequenceGradient(runner, pair.chosen, slopes, state);
              await sequenceGradient(runner, pair.rejected, slopes, state);
            }),
        },
      ],
      rounds,
      1,
    );
    if (packed === undefined || separate === undefined) throw new Error('two contenders');
    return {
      trainable,
      checkpointing,
      packed,
      separate,
      ratio: separate.median / packed.median,
      lossDifference,
      gradientDifference,
    };
  } finally {
    await runner.release();
  }
}

const machine = environment(threads);
const rows: Row[] = [];
for (const trainable of ['lora', 'full'] as const) {
  for (const checkpointing of ['none', 'layer'] as const) {
    rows.push(await measure(trainable, checkpointing));
    console.log(`${trainable}, checkpointing ${checkpointing}: ${ratio(rows.at(-1)?.ratio ?? NaN)}`);
  }
}
const times = ({ median, least, most }: Times): string =>
  `${duration(median)} (${duration(least)} to ${duration(most)})`;
const text = [
  '# The packed pair against two sequences',
  describeEnvironment(machine),
  `${flags.model === DEMO_MODEL ? 'Demo model' : path.basename(flags.model)}, document ${document} tokens, two answers of ${answer}: ${document + 2 * answer} tokens packed, ${2 * (document + answer)} in two sequences. Loss and gradient, in turn, ${rounds} runs each: median (least to most). Differences are relative, of the loss and of the gradient (Euclidean norm), and must be below ${TOLERANCE}.`,
  table(
    ['trained', 'checkpointing', 'packed', 'two sequences', 'factor', 'loss differs by', 'gradient differs by'],
    rows.map((row) => [
      row.trainable,
      row.checkpointing,
      times(row.packed),
      times(row.separate),
      ratio(row.ratio),
      row.lossDifference.toExponential(1),
      row.gradientDifference.toExponential(1),
    ]),
  ),
].join('\n\n');
await writeResults(
  flags.out ?? path.join(RESULTS, flags.quick ? 'packed-quick' : 'packed'),
  { environment: machine, document, answer, rounds, rows },
  text,
);
