// Ours and the PyTorch peer in turn on the same card, a fresh process for each length: node side_by_side.ts MODEL --out FOLDER
// [--lengths 8192,32768] [--repeat 3] [--python python3]. Writes steps.json and steps.md after each length, so that what was
// measured stays when a later length fails; raw.jsonl holds every line of both sides.
import { spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { loadModelConfig } from '../../src/main/engine/model/config.ts';
import { MemoryWatch } from './memory-watch.ts';
import { stepFlops } from './step-flops.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: 'string', default: '.' },
    lengths: { type: 'string', default: '8192,32768,65536' },
    repeat: { type: 'string', default: '3' },
    answer: { type: 'string', default: '256' },
    chunk: { type: 'string', default: '4096' },
    python: { type: 'string', default: 'python3' },
    sides: { type: 'string', default: 'ours,peer' },
    /** From this length on no unmeasured run comes first; and the peer's sequences run one after the other. */
    settled: { type: 'string', default: '32768' },
    long: { type: 'string', default: '65536' },
    /** Dense bfloat16 rate of the card in TFLOP/s; the default is the data sheet's of an H100 SXM. */
    peak: { type: 'string', default: '989' },
    /** Options for ours.ts, such as "--scores 600000000". */
    ours: { type: 'string', default: '' },
  },
});
const [model = ''] = positionals;
const [answer, repeat, chunk] = [Number(values.answer), Number(values.repeat), Number(values.chunk)];
mkdirSync(values.out, { recursive: true });
const config = await loadModelConfig(model);

/** One line of ours.ts or peer.py. */
interface Line {
  readonly run?: number;
  readonly loss?: number;
  readonly error?: string;
  readonly seconds?: Readonly<Record<string, number | null>>;
}

/** What a process of one side gave for a length. */
interface Runs {
  readonly lines: readonly Line[];
  readonly peakMiB: number | null;
}

async function lines(command: string, args: readonly string[]): Promise<Runs> {
  const memory = new MemoryWatch();
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (data: Buffer) => {
    text += data.toString();
    appendFileSync(path.join(values.out, 'raw.jsonl'), data);
  });
  await new Promise((resolve, reject) => {
    child.on('close', resolve);
    child.on('error', reject);
  });
  const peakMiB = memory.peak();
  memory.stop();
  const found = text.split('\n').filter((line) => line.startsWith('{'));
  return { lines: found.map((line) => JSON.parse(line) as Line), peakMiB };
}

interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

function spread(numbers: readonly number[]): Spread {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (i: number): number => sorted[i] ?? NaN;
  const middle = (sorted.length - 1) / 2;
  return { median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2, least: at(0), most: at(sorted.length - 1) };
}

interface Side {
  readonly side: string;
  readonly form: 'packed' | 'two';
  readonly step: Spread;
  readonly parts: Readonly<Record<string, number>>;
  readonly pairTokensPerSecond: number;
  readonly utilisation: number;
  readonly peakMiB: number | null;
  readonly error?: string;
}

/** @param counted the parts that make up the step */
function summary(side: string, form: 'packed' | 'two', document: number, runs: Runs, counted: readonly string[]): Side {
  const measured = runs.lines.filter(({ run }) => run !== undefined);
  const steady = measured.length > repeat ? measured.slice(measured.length - repeat) : measured;
  const part = (line: Line, name: string): number => line.seconds?.[name] ?? 0;
  const names = [...new Set(measured.flatMap(({ seconds }) => Object.keys(seconds ?? {})))];
  const parts = names.map((name): [string, number] => {
    const given = measured.filter(({ seconds }) => typeof seconds?.[name] === 'number');
    const last = given.slice(-repeat).map((line) => part(line, name));
    return [name, spread(last).median];
  });
  const step = spread(steady.map((line) => counted.reduce((sum, name) => sum + part(line, name), 0)));
  const flops = stepFlops(config, { document, answer, shortContext: Math.min(document, chunk) }, form);
  const work = flops.gradients + (counted.some((name) => name.startsWith('reference')) ? flops.reference : 0);
  const error = runs.lines.find((line) => line.error !== undefined)?.error;
  return {
    side,
    form,
    step,
    parts: Object.fromEntries(parts),
    pairTokensPerSecond: (document + 2 * answer) / step.median,
    utilisation: work / step.median / (Number(values.peak) * 1e12),
    peakMiB: runs.peakMiB,
    ...(error === undefined ? {} : { error }),
  };
}

async function ours(document: number, warmUp: number): Promise<Side> {
  const script = path.join(import.meta.dirname, 'ours.ts');
  const own = values.ours === '' ? [] : values.ours.split(' ');
  const args = [script, model, '--lengths', String(document), '--repeat', String(repeat + warmUp), ...own];
  const runs = await lines(process.execPath, [...args, '--answer', String(answer), '--chunk', String(chunk)]);
  return summary('ours', 'packed', document, runs, ['reference', 'gradients', 'optimizer']);
}

/** Peer (a), with the reference pass in the step, and (b), without; one process gives both. */
async function peer(document: number, warmUp: number): Promise<readonly Side[]> {
  const script = path.join(import.meta.dirname, 'peer.py');
  const forms = document >= Number(values.long) ? ['separate'] : ['batch', 'separate'];
  const sides: Side[] = [];
  for (const form of forms) {
    const args = ['--form', form, '--lengths', String(document), '--repeat', String(repeat + warmUp)];
    const rest = ['--long-reference', 'once', '--answer', String(answer), '--chunk', String(chunk)];
    const runs = await lines(values.python, [script, model, ...args, ...rest]);
    const training = ['forward', 'backward', 'optimizer'];
    const a = summary(`peer (a), ${form}`, 'two', document, runs, ['reference_short', ...training]);
    const b = summary(`peer (b), ${form}`, 'two', document, runs, training);
    sides.push(a, b);
    if (a.error === undefined) break;
  }
  return sides;
}

function markdown(rows: readonly { readonly document: number; readonly sides: readonly Side[] }[]): string {
  const head = [
    '| document | side | step s (least to most) | pair-tokens/s | peak MiB | FLOP utilisation | step / ours |',
    '| --- | --- | --- | --- | --- | --- | --- |',
  ];
  const body = rows.flatMap(({ document, sides }) => {
    const base = sides.find(({ side }) => side === 'ours')?.step.median ?? NaN;
    return sides.map(({ side, step, pairTokensPerSecond, peakMiB, utilisation, error }) => {
      const time = `${step.median.toFixed(2)} (${step.least.toFixed(2)} to ${step.most.toFixed(2)})`;
      const ratio = Number.isNaN(base) ? '' : (step.median / base).toFixed(2);
      const cells = [time, pairTokensPerSecond.toFixed(0), peakMiB, `${(100 * utilisation).toFixed(1)}%`, ratio];
      const shown = error === undefined ? cells : [error.slice(0, 60), '', peakMiB, '', ''];
      return `| ${document} | ${side} | ${shown.join(' | ')} |`;
    });
  });
  const notes = [
    '',
    `Medians of ${repeat} runs; answers of ${answer} tokens; reference on ${chunk} tokens of context with both answers, in`,
    'ours and in peer (a). Pair-tokens: document and both answers, each counted once. FLOP utilisation: what the step needs',
    'without recomputation (2 for each weight and row forward, as much backward, attention 4 per head channel and pair of',
    `tokens forward and twice that backward, logits twice) over time and ${values.peak} TFLOP/s; the peers' by their own two`,
    'sequences. Peak: nvidia-smi, the whole card. The loss head runs in chunks of rows on both sides.',
    '',
  ];
  return [...head, ...body, ...notes].join('\n');
}

const rows: { document: number; sides: readonly Side[] }[] = [];
const wanted = values.sides.split(',');
for (const document of values.lengths.split(',').map(Number)) {
  const warmUp = document >= Number(values.settled) ? 0 : 1;
  const sides: Side[] = [];
  rows.push({ document, sides });
  const save = (): void => {
    writeFileSync(
      path.join(values.out, 'steps.json'),
      `${JSON.stringify({ model: config.numLayers, rows }, null, 2)}\n`,
    );
    writeFileSync(path.join(values.out, 'steps.md'), markdown(rows));
  };
  if (wanted.includes('ours')) sides.push(await ours(document, warmUp));
  save();
  if (wanted.includes('peer')) sides.push(...(await peer(document, warmUp)));
  save();
  console.log(
    markdown(rows.slice(-1))
      .split('\n')
      .slice(2, 2 + sides.length)
      .join('\n'),
  );
}
