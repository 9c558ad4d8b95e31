// One LongPO step (packed pair, loss head, reference, optimizer) for each length, in one resident session; a JSON line each.
// node ours.ts MODEL --lengths 8192,32768 [--repeat 2] [--answer 256] [--chunk 4096] [--int4 FOLDER of 4-bit weights] [--segments LAYERS]
// [--reserve BYTES of the card taken in advance (default: as the planner says)]
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { loadResidentModel, type ResidentModel } from '../../src/main/engine/resident/resident-model.ts';
import { reserveBytes } from '../../src/shared/memory-plan.ts';
import { planShape } from '../../src/main/engine/model/plan-shape.ts';
import { loadModelConfig } from '../../src/main/engine/model/config.ts';
import {
  buildAnswerTargets,
  buildTargets,
  objectiveInput,
  answerLogps,
  type AnswerTree,
} from '../../src/main/engine/training/objectives.ts';
import { createOptimizer } from '../../src/main/engine/training/optimizer.ts';
import { ropeForModel } from '../../src/main/engine/training/rope-for.ts';
import { MemoryWatch } from './memory-watch.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    lengths: { type: 'string', default: '8192' },
    answer: { type: 'string', default: '256' },
    chunk: { type: 'string', default: '4096' },
    repeat: { type: 'string', default: '2' },
    mlpRows: { type: 'string' },
    block: { type: 'string' },
    scores: { type: 'string' },
    reserve: { type: 'string' },
    segments: { type: 'string' },
    host: { type: 'string' },
    rank: { type: 'string', default: '16' },
    int4: { type: 'string' },
    device: { type: 'string', default: 'cuda' },
    profile: { type: 'string' },
    gradient: { type: 'string' },
    forward: { type: 'boolean', default: false },
  },
});
const [dir = ''] = positionals;
const answer = Number(values.answer);
const number = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));

/** LongPO as published: NLL over the whole chosen sequence, and the preference term. */
const SETTINGS = { objective: 'longpo', beta: 0.1, lambda: 0.01, nllDocument: 1, nllAnswers: 0 } as const;

function tree(document: number, vocabulary: number): AnswerTree {
  const ids = Int32Array.from({ length: document + 2 * answer }, (_, i) => (i * 7919 + ((i * i) % 101)) % vocabulary);
  const [chosen, end] = [document + answer, document + 2 * answer];
  return {
    tokens: { ids, prefix: document, first: answer, second: answer },
    chosen: [[document, chosen]],
    rejected: [[chosen, end]],
  };
}

async function seconds<T>(work: () => T | Promise<T>): Promise<{ readonly result: T; readonly seconds: number }> {
  const start = performance.now();
  const result = await work();
  return { result, seconds: (performance.now() - start) / 1000 };
}

async function step(
  model: ResidentModel,
  document: number,
  parameters: Float32Array,
  memory: MemoryWatch,
): Promise<void> {
  const rope = ropeForModel(model.config, null);
  const long = tree(document, model.config.vocabSize);
  const short = tree(Math.min(document, Number(values.chunk)), model.config.vocabSize);
  const scored = buildAnswerTargets(short);
  const answers = buildAnswerTargets(long);
  const zero = await model.referenceParameters();
  const targets = buildTargets(long, SETTINGS);
  const optimizer = createOptimizer(
    { kind: 'adamw', beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0 },
    parameters.length,
  );
  const state = { parameters, rope: rope(document + answer) };
  for (let i = 0; i < Number(values.repeat); i++) {
    const reference = await seconds(() =>
      model.score(short.tokens, scored.targets, { parameters: zero, rope: rope(short.tokens.ids.length) }),
    );
    const input = objectiveInput(targets, SETTINGS, answerLogps(reference.result, scored));
    const forward = values.forward ? await seconds(() => model.score(long.tokens, answers.targets, state)) : undefined;
    const parts: number[] = [];
    const begun = performance.now();
    const watch = { onPart: () => void parts.push((performance.now() - begun) / 1000) };
    const gradients = await seconds(() => model.gradients(long.tokens, targets.targets, input, state, watch));
    if (values.gradient !== undefined) await writeFile(values.gradient, gradients.result.gradient);
    const { loss, gradient } = gradients.result;
    const update = await seconds(() => optimizer.update(parameters, gradient, 1e-6));
    const norm = Math.sqrt(gradient.reduce((sum, x) => sum + x * x, 0));
    console.log(
      JSON.stringify({
        side: 'ours',
        document,
        answer,
        layers: model.config.numLayers,
        run: i,
        loss,
        gradientNorm: norm,
        seconds: {
          reference: reference.seconds,
          forward: forward?.seconds,
          gradients: gradients.seconds,
          optimizer: update.seconds,
        },
        ...(segments === undefined ? {} : { segmentLayers: segments, parts: parts.map((x) => Number(x.toFixed(2))) }),
        memoryMiB: memory.peak(),
        hostMiB: Math.round(process.resourceUsage().maxRSS / 1024),
      }),
    );
  }
}

const memory = new MemoryWatch();
const lora = {
  kind: 'lora',
  rank: Number(values.rank),
  alpha: 32,
  rslora: false,
  targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
} as const;
const [mlpRows, block, scores] = [number(values.mlpRows), number(values.block), number(values.scores)];
const tokens = Math.max(...values.lengths.split(',').map(Number)) + 2 * answer;
const baseBits = values.int4 === undefined ? 'own' : '4';
const config = await loadModelConfig(dir);
const reserve =
  number(values.reserve) ??
  reserveBytes(planShape(config), {
    ...{
      device: values.device === 'cpu' ? 'cpu' : 'cuda',
      tokens,
      trainable: { ...lora, targets: [...lora.targets] },
      checkpointing: 'layer',
      baseBits,
    },
    segmentLayers: number(values.segments) ?? 0,
  });
const segments = number(values.segments);
const host = number(values.host);
const created = await seconds(() =>
  loadResidentModel(dir, {
    device: values.device === 'cpu' ? 'cpu' : 'cuda',
    ...(values.device === 'cpu' ? { attention: 'flash' as const } : {}),
    threads: 8,
    trainable: lora,
    checkpointing: 'layer',
    programs: ['score', 'gradients'],
    ...(mlpRows === undefined ? {} : { mlpRows }),
    ...(block === undefined ? {} : { attentionBlock: block }),
    reserveBytes: reserve,
    ...(segments === undefined ? {} : { segmentLayers: segments }),
    ...(host === undefined ? {} : { hostBytes: host }),
    ...(values.int4 === undefined ? {} : { int4Folder: values.int4 }),
    ...(scores === undefined ? {} : { scoresAtOnce: scores }),
    ...(values.profile === undefined ? {} : { profile: values.profile }),
  }),
);
const model = created.result;
console.log(
  JSON.stringify({
    side: 'ours',
    created: created.seconds,
    memoryMiB: memory.peak(),
    reservedGiB: reserve / 2 ** 30,
    layers: config.numLayers,
  }),
);
const parameters = (await model.initialParameters(0)).map((x, i) => x + 1e-3 * Math.sin(i));
for (const length of values.lengths.split(',').map(Number)) {
  try {
    await step(model, length, parameters, memory);
  } catch (error) {
    console.log(
      JSON.stringify({ side: 'ours', document: length, error: String(error).slice(0, 400), memoryMiB: memory.peak() }),
    );
    break;
  }
}
if (values.profile !== undefined) model.endProfiling();
memory.stop();
