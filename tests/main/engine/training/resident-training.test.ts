import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseRunConfig } from '../../../../src/shared/run-config.ts';
import { metrics, type MetricRow } from '../../../../src/shared/metrics.ts';
import { loadResidentModel, type ResidentModel } from '../../../../src/main/engine/resident/resident-model.ts';
import { checkpointIdentity } from '../../../../src/main/engine/training/checkpoint-identity.ts';
import { CheckpointFolder } from '../../../../src/main/engine/training/checkpoints.ts';
import { scoreReferences } from '../../../../src/main/engine/training/reference.ts';
import { ropeForModel } from '../../../../src/main/engine/training/rope-for.ts';
import { train, type TrainOptions, type TrainResult } from '../../../../src/main/engine/training/trainer.ts';
import { GOLDEN_ROOT, goldenTree, readGoldenCase } from './golden-longpo.ts';

let folder: string;
let runner: ResidentModel;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'longhand-resident-'));
  runner = await loadResidentModel(path.join(GOLDEN_ROOT, 'models/llama'), {
    device: 'cpu',
    threads: 2,
    trainable: { kind: 'lora', rank: 4, alpha: 8, rslora: false, targets: ['q_proj', 'v_proj', 'down_proj'] },
    programs: ['score', 'logProbabilities', 'gradients'],
  });
});
afterAll(async () => {
  await runner.release();
  await rm(folder, { recursive: true, force: true });
});

/** The golden document's turns as single examples; the last of the two examples is held out. */
async function options(name: string): Promise<TrainOptions> {
  const config = parseRunConfig({
    learningRate: 0.02,
    lambda: 1,
    epochs: 3,
    batchSize: 2,
    checkpointEvery: 100,
    evalEvery: 2,
    ropeTheta: 50000,
  });
  const referenceRope = ropeForModel(runner.config, null);
  const model = { fingerprint: 'llama', rope: runner.config.rope, ropeFor: referenceRope };
  const examples = readGoldenCase('llama-lora').inputs.examples.flatMap(({ id, turns, ...whole }) => [
    {
      id,
      document: { id, name: id },
      tree: goldenTree(whole),
      short: turns.map(goldenTree),
    },
    ...turns.map((turn, i) => ({
      id: `${id}-${i}`,
      document: { id, name: id },
      tree: goldenTree(turn),
      short: [goldenTree(turn)],
    })),
  ]);
  const noCache = { get: async () => undefined, set: async () => undefined };
  const scored = await scoreReferences(runner, examples, model, noCache, { contexts: { short: true, long: false } });
  return {
    runner,
    config,
    train: scored.slice(0, 3),
    heldOut: scored.slice(3, 4),
    policyRope: ropeForModel(runner.config, config.ropeTheta),
    referenceRope,
    checkpoints: new CheckpointFolder(path.join(folder, name), {
      layout: runner.layout,
      identity: checkpointIdentity('llama', config, scored.slice(0, 3)),
      versions: {},
    }),
    resume: false,
  };
}

async function run(given: TrainOptions, stopAt?: number): Promise<{ rows: MetricRow[]; result: TrainResult }> {
  const rows: MetricRow[] = [];
  const controller = new AbortController();
  const training = train({ ...given, signal: controller.signal });
  for (;;) {
    const { done, value } = await training.next();
    if (done) return { rows, result: value };
    if (value.type === 'metrics') rows.push(...value.rows.filter(({ key }) => metrics[key].deterministic));
    if (value.type === 'progress' && value.examples === stopAt) controller.abort();
  }
}

it('learns with the real model and continues bit for bit', async () => {
  const whole = await run(await options('whole'));
  expect(whole.result).toMatchObject({ status: 'completed', step: 5 });
  const loss = whole.rows.filter(({ key }) => key === 'eval_loss').map(({ value }) => value);
  expect(loss.at(-1)).toBeLessThan((loss[0] ?? NaN) - 0.03);

  const stopped = await run(await options('parts'), 5);
  expect(stopped.result).toMatchObject({ status: 'stopped', step: 2 });
  const rest = await run({ ...(await options('parts')), resume: true });
  expect(rest.result.parameters).toEqual(whole.result.parameters);
  expect(new Set([...stopped.rows, ...rest.rows].map((row) => JSON.stringify(row)))).toEqual(
    new Set(whole.rows.map((row) => JSON.stringify(row))),
  );
  const state = (name: string): Promise<Buffer> =>
    readFile(path.join(folder, name, 'step-000005', 'optimizer.safetensors'));
  expect(await state('parts')).toEqual(await state('whole'));
});
