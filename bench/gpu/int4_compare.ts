// Loss, log-probabilities and gradient of 4-bit weights against the model's own, one row of tokens, the same adapter.
// node int4_compare.ts MODEL FOLDER [--length 8192] [--devices cuda,cpu] [--text FILE]  (cpu: float32 throughout)
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { loadTokenizer } from '../../src/main/engine/text/tokenizer.ts';
import { loadResidentModel } from '../../src/main/engine/resident/resident-model.ts';
import type { GradientOutput } from '../../src/main/engine/model/runner.ts';
import { loraTargets } from '../../src/shared/run-config.ts';
import { buildTargets, objectiveInput, type AnswerTree } from '../../src/main/engine/training/objectives.ts';
import { ropeForModel } from '../../src/main/engine/training/rope-for.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    length: { type: 'string', default: '8192' },
    devices: { type: 'string', default: 'cuda' },
    text: { type: 'string' },
  },
});
const [dir = '', folder = ''] = positionals;
const length = Number(values.length);
const read =
  values.text === undefined ? undefined : (await loadTokenizer(dir)).encode(await readFile(values.text, 'utf8'));
const SETTINGS = { objective: 'longpo', beta: 0.1, lambda: 0.01, nllDocument: 1, nllAnswers: 0 } as const;

function tree(vocabulary: number): AnswerTree {
  const answer = Math.min(256, length >> 2);
  const ids =
    read?.subarray(0, length + 2 * answer) ??
    Int32Array.from({ length: length + 2 * answer }, (_, i) => (i * 7919 + ((i * i) % 101)) % vocabulary);
  if (ids.length < length + 2 * answer) throw new Error(`the text has ${ids.length} tokens only`);
  const [chosen, end] = [length + answer, length + 2 * answer];
  return {
    tokens: { ids, prefix: length, first: answer, second: answer },
    chosen: [[length, chosen]],
    rejected: [[chosen, end]],
  };
}

async function gradient(device: 'cpu' | 'cuda', int4Folder?: string): Promise<GradientOutput> {
  const model = await loadResidentModel(dir, {
    ...{ device, threads: 8, checkpointing: 'layer', programs: ['gradients'] },
    trainable: { kind: 'lora', rank: 16, alpha: 32, rslora: false, targets: [...loraTargets] },
    ...(int4Folder === undefined ? {} : { int4Folder }),
  });
  try {
    const example = tree(model.config.vocabSize);
    const targets = buildTargets(example, SETTINGS);
    const input = objectiveInput(targets, SETTINGS, {
      chosen: [Float32Array.of(-20)],
      rejected: [Float32Array.of(-25)],
    });
    const parameters = (await model.initialParameters(0)).map((x, i) => x + 1e-3 * Math.sin(i));
    const rope = ropeForModel(model.config, null)(example.tokens.ids.length);
    return await model.gradients(example.tokens, targets.targets, input, { parameters, rope });
  } finally {
    await model.release();
  }
}

function norm(x: Float32Array): number {
  return Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));
}

function compare(what: string, a: GradientOutput, b: GradientOutput): void {
  const difference = a.gradient.map((x, i) => x - (b.gradient[i] ?? NaN));
  const dot = a.gradient.reduce((sum, x, i) => sum + x * (b.gradient[i] ?? NaN), 0);
  const logps = a.logps.map((x, i) => Math.abs(x - (b.logps[i] ?? NaN)));
  console.log(
    JSON.stringify({
      ...{ side: 'compare', what, model: dir, length, loss: [a.loss, b.loss] },
      logpMean: logps.reduce((sum, x) => sum + x, 0) / logps.length,
      logpMost: logps.reduce((most, x) => Math.max(most, x), 0),
      gradientDifference: norm(difference) / norm(b.gradient),
      gradientCosine: dot / (norm(a.gradient) * norm(b.gradient)),
    }),
  );
}

const results = new Map<string, { own: GradientOutput; int4: GradientOutput }>();
for (const device of values.devices.split(',') as ('cpu' | 'cuda')[]) {
  results.set(device, { own: await gradient(device), int4: await gradient(device, folder) });
}
const [cuda, cpu] = [results.get('cuda'), results.get('cpu')];
if (cuda !== undefined) compare('4 bits against own, cuda', cuda.int4, cuda.own);
if (cpu !== undefined) compare('4 bits against own, cpu', cpu.int4, cpu.own);
if (cuda !== undefined && cpu !== undefined) {
  compare('own, cuda against cpu', cuda.own, cpu.own);
  compare('4 bits, cuda against cpu', cuda.int4, cpu.int4);
}
