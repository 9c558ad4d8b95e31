import { loadResidentModel } from '../../src/main/engine/resident/resident-model.ts';
import { peakMiB } from './environment.ts';
import { trainableOptions, type Trainable } from './ours.ts';
import { pairOfLength } from './pair-of-length.ts';

// One point of memory.ts, in a process of its own: arguments are a JSON object, the answer is a JSON line.
interface Point {
  readonly modelDir: string;
  readonly tokens: number;
  readonly answer: number;
  readonly trainable: Trainable;
  readonly checkpointing: 'none' | 'layer';
  readonly threads: number;
}

const { modelDir, tokens, answer, trainable, checkpointing, threads } = JSON.parse(process.argv[2] ?? '') as Point;
const runner = await loadResidentModel(modelDir, {
  device: 'cpu',
  threads,
  trainable: trainableOptions(trainable),
  checkpointing,
  programs: ['gradients'],
});
const { tree, targets, input, state } = await pairOfLength(runner, tokens - 2 * answer, answer);
const loaded = peakMiB();
const start = performance.now();
const { loss } = await runner.gradients(tree.tokens, targets.targets, input, state);
const milliseconds = performance.now() - start;
if (!Number.isFinite(loss)) throw new Error(`the loss is ${loss}`);
console.log(JSON.stringify({ loaded, peak: peakMiB(), milliseconds }));
await runner.release();
