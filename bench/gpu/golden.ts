// The golden cases on CUDA: node golden.ts FOLDER [--dtype float32|bfloat16]. One JSON line a case: how far each kind of
// quantity is off, as a multiple of what float32 is allowed; and gradients against those of the CPU in float32.
import path from 'node:path';
import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runGolden } from '../../src/main/engine/golden/run-golden.ts';
import { loadResidentModel, type ResidentModel } from '../../src/main/engine/resident/resident-model.ts';
import type { ResidentOptions } from '../../src/main/engine/resident/resident-options.ts';
import type { ModelState } from '../../src/main/engine/model/runner.ts';
import { buildTargets, objectiveInput } from '../../src/main/engine/training/objectives.ts';
import { LONGPO, LORA, trainedState, tree } from './answer-tree.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: '' },
    dtype: { type: 'string', default: 'float32' },
    device: { type: 'string', default: 'cuda' },
    generation: { type: 'boolean', default: false },
    products: { type: 'boolean', default: false },
    merge: { type: 'boolean', default: false },
    together: { type: 'boolean', default: false },
  },
});
const [folder = ''] = positionals;
const dtype = values.dtype === 'bfloat16' ? 'bfloat16' : 'float32';
const device = values.device === 'cpu' ? 'cpu' : 'cuda';
const note = (line: Record<string, unknown>): void => {
  console.log(JSON.stringify({ device, dtype, ...line }));
};

/** What bfloat16 is allowed against float32 on the CPU (8 bits of mantissa; loss and gradient relative; float32's own tolerances are src/main/engine/golden/tolerances.ts). */
const BFLOAT16 = { logp: 0.1, loss: 5e-3, gradient: 5e-2 } as const;

if (!values.generation)
  await runGolden([path.join(folder, 'forward'), path.join(folder, 'longpo')], {
    threads: 2,
    device,
    dtype,
    onCase: ({ name, status, problem, quantities }) => {
      const failed = quantities.filter(({ ok }) => !ok).slice(0, 6);
      const errors = Object.fromEntries(quantities.map((q) => [q.name, Number(q.error.toPrecision(2))]));
      note({
        case: name,
        status,
        problem,
        quantities: quantities.length,
        ...(dtype === 'float32' ? { failed } : { errors }),
      });
    },
  });

/** Tokens of the longest row and of what is decoded after it. */
const LONGEST = 3000;

const relative = (a: Float32Array, b: Float32Array): number => {
  let [difference, norm] = [0, 0];
  b.forEach((x, i) => {
    difference += ((a[i] ?? NaN) - x) ** 2;
    norm += x * x;
  });
  return Math.sqrt(difference / norm);
};

/** Greedy tokens against those of the CPU: at which token each sequence is another first (-1: nowhere). */
async function compareGeneration(
  name: string,
  cpu: ResidentModel,
  card: ResidentModel,
  state: ModelState,
): Promise<void> {
  const prompt = (length: number): Int32Array => Int32Array.from({ length }, (_, i) => (5 + 3 * i + length) % 320);
  const sampling = { temperature: 0, topK: 0, topP: 1, uniforms: new Float32Array(0), stopIds: [] };
  for (const prompts of [
    [prompt(3), prompt(1)],
    [prompt(9)],
    [prompt(1), prompt(300), prompt(20), prompt(257), prompt(2)],
  ]) {
    const firstDifference: Record<number, number[]> = {};
    for (const length of [0, 1, 255, 256, 257, 300, 1000]) {
      const prefix = length === 0 ? new Int32Array(0) : tree(length, 0, 0).tokens.ids;
      // One of them drawn, so that the uniform numbers are read.
      const uniforms = Float32Array.from({ length: 16 * prompts.length }, (_, i) => (0.37 + 0.618034 * i) % 1);
      const drawn = length === 256 ? { temperature: 0.3, uniforms } : {};
      const request = { prefix, prompts, maxNewTokens: 16, ...sampling, ...drawn };
      const [expected, found] = [await cpu.generate(request, state), await card.generate(request, state)];
      firstDifference[length] = expected.tokens.map((row, i) =>
        row.findIndex((token, j) => token !== found.tokens[i]?.[j]),
      );
    }
    const all = Object.values(firstDifference).flat();
    note({
      model: name,
      prompts: prompts.map((one) => one.length),
      equal: all.filter((i) => i < 0).length,
      of: all.length,
      firstDifference,
    });
  }
}

for (const name of readdirSync(path.join(folder, 'models')).filter((name) => name.startsWith(values.model))) {
  const dir = path.join(folder, 'models', name);
  const options: Omit<ResidentOptions, 'device'> = {
    threads: 2,
    trainable: LORA,
    checkpointing: 'layer',
    programs: values.generation ? ['generate'] : ['gradients', 'generate'],
    mergeAdapter: values.merge,
    ...(values.together ? { together: true } : {}),
  };
  const own: Partial<ResidentOptions> = { paged: device === 'cuda' && dtype === 'bfloat16' && !values.products };
  try {
    const cpu = await loadResidentModel(dir, { ...options, device: 'cpu' });
    const card = await loadResidentModel(dir, { ...options, ...own, device, dtype });
    const state = await trainedState(cpu, LONGEST);
    for (const example of values.generation
      ? []
      : [tree(50, 9, 12), tree(20, 5, 30), tree(900, 33, 62), tree(2500, 200, 150)]) {
      const { tokens } = example;
      const targets = buildTargets(example, LONGPO);
      const reference = { chosen: [Float32Array.of(-20)], rejected: [Float32Array.of(-25)] };
      const input = objectiveInput(targets, LONGPO, reference);
      const expected = await cpu.gradients(tokens, targets.targets, input, state);
      const found = await card.gradients(tokens, targets.targets, input, state);
      const loss = Math.abs(found.loss / expected.loss - 1);
      const logps = Math.max(...expected.logps.map((x, i) => Math.abs((found.logps[i] ?? NaN) - x)));
      const gradient = relative(found.gradient, expected.gradient);
      const ok = loss <= BFLOAT16.loss && logps <= BFLOAT16.logp && gradient <= BFLOAT16.gradient;
      note({ model: name, tree: [tokens.prefix, tokens.first, tokens.second], loss, logps, gradient, ok });
    }
    await compareGeneration(name, cpu, card, state);
    await Promise.all([cpu.release(), card.release()]);
  } catch (error) {
    note({ model: name, error: String(error).slice(0, 500) });
  }
}
