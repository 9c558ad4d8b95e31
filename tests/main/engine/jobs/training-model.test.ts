import path from 'node:path';
import { expect, it } from 'vitest';
import { trainingModel } from '../../../../src/main/engine/jobs/training-model.ts';
import type { ModelRequest } from '../../../../src/main/engine/jobs/model-holder.ts';
import { loadModelConfig } from '../../../../src/main/engine/model/config.ts';
import { planShape } from '../../../../src/main/engine/model/plan-shape.ts';
import type { TrainingExample } from '../../../../src/main/engine/training/example.ts';
import { planMemory, stepRequest } from '../../../../src/shared/memory-plan.ts';
import { parseRunConfig } from '../../../../src/shared/run-config.ts';
import { GOLDEN_ROOT } from '../training/golden-longpo.ts';

const modelDir = path.join(GOLDEN_ROOT, 'models/llama');

function example(tokens: number): TrainingExample {
  const row = { ids: new Int32Array(tokens), prefix: tokens, first: 0, second: 0 };
  return {
    id: String(tokens),
    document: { id: '1', name: 'a' },
    tree: { tokens: row, chosen: [], rejected: [] },
    short: [],
  };
}

/** What a run asks the model holder for; a stand-in for it, because no machine here has a card. */
async function asked(device: 'cpu' | 'cuda', examples: readonly TrainingExample[]): Promise<ModelRequest> {
  const config = parseRunConfig({ objective: 'longpo', device, trainable: { kind: 'lora' } });
  let request: ModelRequest | undefined;
  const models = { get: (given: ModelRequest) => Promise.reject(((request = given), new Error('as far as this'))) };
  const context = { models: models as never, signal: new AbortController().signal, progress: () => undefined };
  await expect(trainingModel(context, { modelDir, config }, { examples, heldOut: true })).rejects.toThrow('as far');
  if (request === undefined) throw new Error('nothing was asked for');
  return request;
}

it('takes the memory in advance that the planner says for the longest example, on CUDA alone', async () => {
  const examples = [example(300), example(200_000), example(5000)];
  const { reserveBytes, programs } = await asked('cuda', examples);
  const config = parseRunConfig({ objective: 'longpo', device: 'cuda', trainable: { kind: 'lora' } });
  const shape = planShape(await loadModelConfig(modelDir));
  const plan = planMemory({ ...shape, dtypes: { F32: 1 } }, stepRequest(config, 200_000));
  expect(reserveBytes).toBe(plan.reserveBytes);
  expect(reserveBytes).toBeGreaterThan(2 ** 30);
  expect(programs).toEqual(['score', 'gradients', 'logProbabilities']);
  expect((await asked('cuda', [example(300)])).reserveBytes).toBe(0);
  expect((await asked('cpu', examples)).reserveBytes).toBe(0);
});
