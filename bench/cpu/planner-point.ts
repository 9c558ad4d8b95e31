import { loadResidentModel } from '../../src/main/engine/resident/resident-model.ts';
import { buildAnswerTargets, type AnswerTree } from '../../src/main/engine/training/objectives.ts';
import { ADAMW_DEFAULTS, createOptimizer } from '../../src/main/engine/training/optimizer.ts';
import { peakMiB } from './environment.ts';
import { ALL_LINEARS } from './ours.ts';
import { pairOfLength } from './pair-of-length.ts';

// One point of planner.ts, in a process of its own: the argument is a JSON object, the answer a JSON line.
export interface PlannerPoint {
  readonly modelDir: string;
  readonly tokens: number;
  readonly answer: number;
  /** Rank of the LoRA adapter on all linear layers; 0 = all weights are trained. */
  readonly rank: number;
  readonly checkpointing: 'none' | 'layer';
  readonly threads: number;
}

const { modelDir, tokens, answer, rank, checkpointing, threads } = JSON.parse(process.argv[2] ?? '') as PlannerPoint;
const runner = await loadResidentModel(modelDir, {
  device: 'cpu',
  threads,
  trainable: rank === 0 ? { kind: 'full' } : { kind: 'lora', rank, alpha: 32, rslora: false, targets: ALL_LINEARS },
  checkpointing,
  programs: ['score', 'gradients'],
});
const loaded = peakMiB();
const document = tokens - 2 * answer;
const { tree, targets, input, state } = await pairOfLength(runner, document, answer);
const { parameters } = state;
const optimizer = createOptimizer(ADAMW_DEFAULTS, parameters.length);
const sum = new Float32Array(parameters.length);
// The reference is scored on a chunk first, as a run does.
const chunk = Math.min(512, document);
const short: AnswerTree = {
  tokens: { ids: tree.tokens.ids.slice(0, chunk + 2 * answer), prefix: chunk, first: answer, second: answer },
  chosen: [[chunk, chunk + answer]],
  rejected: [[chunk + answer, chunk + 2 * answer]],
};
await runner.score(short.tokens, buildAnswerTargets(short).targets, state);
// Two steps: the second begins with what the first has left behind.
for (let step = 0; step < 2; step++) {
  const { loss, gradient } = await runner.gradients(tree.tokens, targets.targets, input, state);
  if (!Number.isFinite(loss)) throw new Error(`the loss is ${loss}`);
  gradient.forEach((value, i) => (sum[i] = value));
  optimizer.update(parameters, sum, 1e-6);
}
console.log(JSON.stringify({ loaded, peak: peakMiB() }));
await runner.release();
