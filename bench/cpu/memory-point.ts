import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadResidentModel } from '../../src/main/engine/resident/resident-model.ts';
import { peakMiB } from './environment.ts';
import { trainableOptions, type Trainable } from './ours.ts';
import { pairOfLength } from './pair-of-length.ts';
import { readTrace } from './trace.ts';

// One point of memory.ts, in a process of its own: arguments are a JSON object, the answer is a JSON line.
interface Point {
  readonly modelDir: string;
  readonly tokens: number;
  readonly answer: number;
  readonly trainable: Trainable;
  readonly checkpointing: 'none' | 'layer';
  readonly threads: number;
  readonly block: number;
  /** Count what is alive inside the runtime instead (its profiler takes memory of its own). */
  readonly count: boolean;
}

const { modelDir, tokens, answer, trainable, checkpointing, threads, block, count } = JSON.parse(
  process.argv[2] ?? '',
) as Point;
const folder = await mkdtemp(path.join(tmpdir(), 'longhand-point-'));
const profile = path.join(folder, 'trace');
const runner = await loadResidentModel(modelDir, {
  device: 'cpu',
  threads,
  trainable: trainableOptions(trainable),
  checkpointing,
  programs: ['gradients'],
  attentionBlock: block,
  ...(count ? { profile } : {}),
});
const { tree, targets, input, state } = await pairOfLength(runner, tokens - 2 * answer, answer);
const loaded = peakMiB();
const start = performance.now();
const { loss } = await runner.gradients(tree.tokens, targets.targets, input, state);
const milliseconds = performance.now() - start;
if (!Number.isFinite(loss)) throw new Error(`the loss is ${loss}`);
const peak = peakMiB();
if (count) runner.endProfiling();
await runner.release();
const alive = count ? (await readTrace(profile)).reduce((most, { aliveBytes }) => Math.max(most, aliveBytes), 0) : 0;
await rm(folder, { recursive: true, force: true });
console.log(JSON.stringify({ loaded, peak, milliseconds, alive: alive / 2 ** 20 }));
