import { mkdtemp, readdir, readFile, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { metrics, type MetricRow } from '../../../../src/shared/metrics.ts';
import { parseRunConfig, type RunConfigInput } from '../../../../src/shared/run-config.ts';
import { UserError } from '../../../../src/shared/errors.ts';
import type { GradientOutput, ModelRunner } from '../../../../src/main/engine/model/runner.ts';
import { checkpointIdentity } from '../../../../src/main/engine/training/checkpoint-identity.ts';
import { CheckpointFolder } from '../../../../src/main/engine/training/checkpoints.ts';
import type { ScoredExample } from '../../../../src/main/engine/training/example.ts';
import { referenceContexts, scoreReferences } from '../../../../src/main/engine/training/reference.ts';
import { exampleGradient } from '../../../../src/main/engine/training/train-step.ts';
import {
  train,
  type Progress,
  type TrainEvent,
  type TrainOptions,
  type TrainResult,
} from '../../../../src/main/engine/training/trainer.ts';
import { bigramExamples } from './bigram-examples.ts';
import { BigramRunner, NO_ROPE, randomParameters } from './bigram-runner.ts';

const CONFIG: RunConfigInput = {
  learningRate: 0.2,
  batchSize: 3,
  epochs: 3,
  seed: 5,
  lambda: 1,
  checkpointEvery: 4,
  keepCheckpoints: 2,
  evalEvery: 5,
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'longhand-trainer-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function options(
  name: string,
  input: RunConfigInput = CONFIG,
  runner = new BigramRunner(),
): Promise<TrainOptions> {
  const config = parseRunConfig(input);
  const model = { fingerprint: 'bigram', rope: runner.config.rope, ropeFor: () => NO_ROPE };
  const noCache = { get: async () => undefined, set: async () => undefined };
  const contexts = referenceContexts(config);
  const examples = await scoreReferences(runner, bigramExamples(14, config.turnsPerSample), model, noCache, {
    contexts,
  });
  return {
    runner,
    config,
    train: examples.slice(0, 11),
    heldOut: examples.slice(11),
    policyRope: () => NO_ROPE,
    referenceRope: () => NO_ROPE,
    checkpoints: new CheckpointFolder(path.join(folder, name), {
      layout: runner.layout,
      identity: checkpointIdentity('bigram', config, examples.slice(0, 11)),
      versions: {},
    }),
    resume: false,
  };
}

interface Run {
  events: TrainEvent[];
  rows: MetricRow[];
  result: TrainResult;
}

/** Runs to the end; `onEvent` may abort. */
async function run(given: TrainOptions, onEvent: (event: TrainEvent) => void = () => undefined): Promise<Run> {
  const events: TrainEvent[] = [];
  const training = train(given);
  for (;;) {
    const next = await training.next();
    if (next.done) {
      return {
        events,
        rows: events.flatMap((event) => (event.type === 'metrics' ? event.rows : [])),
        result: next.value,
      };
    }
    events.push(next.value);
    onEvent(next.value);
  }
}

const deterministic = (rows: readonly MetricRow[]): MetricRow[] => rows.filter(({ key }) => metrics[key].deterministic);

function valueAt(rows: readonly MetricRow[], step: number, key: MetricRow['key']): number {
  return rows.find((row) => row.step === step && row.key === key)?.value ?? expect.fail(`no ${key} of step ${step}`);
}

async function checkpointBytes(name: string, step: number): Promise<Buffer[]> {
  const at = path.join(folder, name, `step-${String(step).padStart(6, '0')}`);
  return Promise.all(['trainable.safetensors', 'optimizer.safetensors'].map((file) => readFile(path.join(at, file))));
}

it('the bigram model has exact gradients', async () => {
  const { runner, train: examples, config } = await options('gradient');
  const example = examples[0] ?? expect.fail();
  const parameters = randomParameters(3);
  const loss = async (at: Float32Array): Promise<number> =>
    (await exampleGradient(runner, example, config, at, () => NO_ROPE)).loss;
  const { gradient } = await exampleGradient(runner, example, config, parameters, () => NO_ROPE);
  for (let i = 0; i < parameters.length; i += 5) {
    const step = 2 ** -8;
    const [up, down] = [parameters.slice(), parameters.slice()];
    up[i] = (up[i] ?? 0) + step;
    down[i] = (down[i] ?? 0) - step;
    expect(((await loss(up)) - (await loss(down))) / (2 * step)).toBeCloseTo(gradient[i] ?? NaN, 3);
  }
});

describe('train', () => {
  it('learns, reports every step and ends with a checkpoint', async () => {
    const { events, rows, result } = await run(await options('whole'));
    expect(result).toMatchObject({ status: 'completed', step: 11 });
    expect(result.checkpoint).toBe(path.join(folder, 'whole', 'step-000011'));
    expect((await readdir(path.join(folder, 'whole'))).sort()).toEqual(['step-000008', 'step-000011']);
    expect(events[0]).toEqual({ type: 'started', step: 0, totalSteps: 11, checkpoint: null });

    expect(valueAt(rows, 11, 'loss')).toBeLessThan(valueAt(rows, 1, 'loss') - 0.3);
    expect(valueAt(rows, 11, 'preference_loss')).toBeLessThan(0.7 * valueAt(rows, 1, 'preference_loss'));
    expect(valueAt(rows, 11, 'rewards/margins')).toBeGreaterThan(valueAt(rows, 1, 'rewards/margins'));
    expect(valueAt(rows, 11, 'eval_loss')).toBeLessThan(valueAt(rows, 0, 'eval_loss'));
    expect(valueAt(rows, 11, 'eval_kl/exact/chosen')).toBeGreaterThan(0);
    expect(valueAt(rows, 11, 'epoch')).toBe(3);
    expect(valueAt(rows, 1, 'learning_rate')).toBe(0);
    expect(rows.filter(({ key }) => key === 'eval_loss').map(({ step }) => step)).toEqual([0, 5, 10, 11]);
    for (const { key, value } of rows) {
      expect(Object.hasOwn(metrics, key), key).toBe(true);
      expect(Number.isFinite(value), key).toBe(true);
    }

    const progress = events.filter((event) => event.type === 'progress');
    expect(progress.at(-1)).toMatchObject({ step: 11, totalSteps: 11, examples: 33, totalExamples: 33, etaSeconds: 0 });
  });

  it('gives the same run twice', async () => {
    const [one, two] = [await run(await options('one')), await run(await options('two'))];
    expect(two.result.parameters).toEqual(one.result.parameters);
    expect(deterministic(two.rows)).toEqual(deterministic(one.rows));
  });

  it.each([1, 2, 3, 7, 12, 20, 30])('continues bit for bit after a stop at example %i', async (stopAt) => {
    const whole = await run(await options('whole'));
    const controller = new AbortController();
    const stopped = await run({ ...(await options('parts')), signal: controller.signal }, (event) => {
      if (event.type === 'progress' && event.examples === stopAt) controller.abort();
    });
    expect(stopped.result).toMatchObject({ status: 'stopped', step: Math.floor(stopAt / 3) });
    const rest = await run({ ...(await options('parts')), resume: true });
    expect(rest.events[0]).toMatchObject({ type: 'started', step: stopped.result.step });
    expect(rest.result.parameters).toEqual(whole.result.parameters);
    expect(await checkpointBytes('parts', 11)).toEqual(await checkpointBytes('whole', 11));
    // A stop during an evaluation may log it once more; equal rows are one row.
    const rows = new Map(
      deterministic([...stopped.rows, ...rest.rows]).map((row) => [`${row.step} ${row.key}`, row.value]),
    );
    expect(rows).toEqual(new Map(deterministic(whole.rows).map((row) => [`${row.step} ${row.key}`, row.value])));
  });

  it('continues bit for bit from an older checkpoint when the newest is damaged', async () => {
    const whole = await run(await options('whole'));
    const controller = new AbortController();
    await run({ ...(await options('parts')), signal: controller.signal }, (event) => {
      if (event.type === 'checkpoint' && event.step === 8) controller.abort();
    });
    await truncate(path.join(folder, 'parts', 'step-000008', 'optimizer.safetensors'), 100);
    const rest = await run({ ...(await options('parts')), resume: true });
    expect(rest.events.slice(0, 2)).toMatchObject([
      { type: 'notice', message: expect.stringContaining('step-000008') as string },
      { type: 'started', step: 4 },
    ]);
    expect(rest.result.parameters).toEqual(whole.result.parameters);
    expect(await checkpointBytes('parts', 11)).toEqual(await checkpointBytes('whole', 11));
  });

  it('does not mix two runs in one folder', async () => {
    await run(await options('run'));
    await expect(run(await options('run'))).rejects.toMatchObject({ code: 'conflict' });
    const other = await options('run', { ...CONFIG, beta: 0.5 });
    await expect(run({ ...other, resume: true })).rejects.toMatchObject({ code: 'conflict', place: { field: 'beta' } });
  });

  it('has nothing left to do when it continues a finished run', async () => {
    const whole = await run(await options('run'));
    const again = await run({ ...(await options('run')), resume: true });
    expect(again.rows).toEqual([]);
    expect(again.result).toEqual(whole.result);
  });

  it('starts again from nothing when it was stopped before the first checkpoint', async () => {
    const { events, result } = await run({ ...(await options('run')), resume: true });
    expect(events[0]).toMatchObject({ type: 'started', step: 0, checkpoint: null });
    expect(result.status).toBe('completed');
  });

  it.each(['dpo', 'sft'] as const)('trains with %s', async (objective) => {
    const given = await options(objective, { ...CONFIG, lambda: undefined, objective });
    const { rows } = await run(given);
    expect(valueAt(rows, 11, 'loss')).toBeLessThan(valueAt(rows, 1, 'loss'));
    const keys = new Set<string>(rows.map(({ key }) => key));
    expect(keys.has('rewards/margins')).toBe(objective === 'dpo');
    expect(keys.has('preference_loss')).toBe(objective === 'dpo');
    expect(keys.has('nll/document')).toBe(false);
    expect(keys.has('eval_nll/document')).toBe(true);
    expect(keys.has('eval_rewards/margins')).toBe(true);
    const tokens = given.train.reduce((sum, { tree: { tokens } }) => {
      return sum + (objective === 'sft' ? tokens.prefix + tokens.first : tokens.ids.length);
    }, 0);
    expect(valueAt(rows, 11, 'num_tokens')).toBe(3 * tokens);
  });

  it.each([
    { objective: 'simpo' },
    { objective: 'orpo' },
    { objective: 'longpo', lambda: 0 },
    { objective: 'dpo', lambda: 0.01, nllDocument: 1 },
    { objective: 'solopo' },
    { objective: 'solopo', reward: 'simpo' },
    { objective: 'solopo', reward: 'orpo' },
    { objective: 'opsdl', maxNewTokens: 6 },
  ] satisfies RunConfigInput[])('trains with $objective $reward $lambda and resumes to the same bits', async (own) => {
    const input: RunConfigInput = { ...CONFIG, lambda: undefined, learningRate: 0.05, ...own };
    const whole = await run(await options('whole', input));
    const losses = whole.rows.filter(({ key }) => key === 'loss').map(({ value }) => value);
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    // OPSDL's loss is a noisy estimate on samples of a few tokens.
    if (own.objective !== 'opsdl') expect(mean(losses.slice(-4))).toBeLessThan(mean(losses.slice(0, 4)));
    const stopper = new AbortController();
    const cut = await run({ ...(await options('cut', input)), signal: stopper.signal }, (event) => {
      if (event.type === 'metrics' && event.rows[0]?.step === 6) stopper.abort();
    });
    expect(cut.result.status).toBe('stopped');
    const resumed = await run({ ...(await options('cut', input)), resume: true });
    expect(resumed.result.parameters).toEqual(whole.result.parameters);
  });

  it('runs without held-out examples', async () => {
    const { rows } = await run({ ...(await options('run')), heldOut: [] });
    expect(rows.some(({ key }) => key.startsWith('eval_'))).toBe(false);
  });
});

/** Computes a gradient in three parts, as a model in segments does. */
class SegmentedRunner extends BigramRunner {
  override async gradients(
    ...[tokens, targets, objective, state, watch]: Parameters<ModelRunner['gradients']>
  ): Promise<GradientOutput> {
    for (let done = 1; done < 3; done++) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      watch?.onPart?.({ done, total: 3, fraction: done === 1 ? null : 2 / 3 });
      if (watch?.signal?.aborted) throw new UserError('cancelled', 'between two parts');
    }
    return super.gradients(tokens, targets, objective, state);
  }
}

describe('an example in parts', () => {
  it('tells of them, with the time left from its own pace', async () => {
    const parts: Progress[] = [];
    const given = await options('run', CONFIG, new SegmentedRunner());
    const { rows, result } = await run({ ...given, onPart: (progress) => parts.push(progress) });
    expect(result.status).toBe('completed');
    expect(deterministic(rows)).toEqual(deterministic((await run(await options('whole'))).rows));
    expect(parts).toHaveLength(2 * 3 * 11);
    expect(parts.map(({ part, examples }) => [part?.done, examples]).slice(0, 4)).toEqual([[1, 0], [2, 0], [1, 1], [2, 1]]); // prettier-ignore
    // Nothing is known before the first example says what share of it is done.
    expect(parts[0]?.etaSeconds).toBeNull();
    expect(parts.slice(1).every(({ etaSeconds }) => etaSeconds !== null && etaSeconds >= 0)).toBe(true);
  });

  it.each([1, 2])(
    'stops after part %i of an example with a checkpoint of the last whole step, and resumes to the same bits',
    async (at) => {
      const whole = await run(await options('whole'));
      const stopper = new AbortController();
      const given = await options('cut', CONFIG, new SegmentedRunner());
      const cut = await run({
        ...given,
        signal: stopper.signal,
        onPart: ({ step, examples, part }) => {
          if (step === 6 && examples === 19 && part?.done === at) stopper.abort();
        },
      });
      expect(cut.result).toMatchObject({ status: 'stopped', step: 6 });
      expect(cut.result.checkpoint).toContain('step-000006');
      const resumed = await run({ ...(await options('cut')), resume: true });
      expect(resumed.result.parameters).toEqual(whole.result.parameters);
    },
  );
});

/** Fails on the sixth example as a diverging model does. */
class DivergingRunner extends BigramRunner {
  readonly #damage: (output: GradientOutput) => GradientOutput;
  #calls = 0;

  constructor(damage: (output: GradientOutput) => GradientOutput) {
    super();
    this.#damage = damage;
  }

  override async gradients(...input: Parameters<BigramRunner['gradients']>): Promise<GradientOutput> {
    this.#calls += 1;
    const output = await super.gradients(...input);
    return this.#calls === 6 ? this.#damage(output) : output;
  }
}

describe('a run that diverges', () => {
  it.each([
    ['loss', (output: GradientOutput) => ({ ...output, loss: NaN })],
    ['gradient', (output: GradientOutput) => ({ ...output, gradient: output.gradient.fill(Infinity, 50, 51) })],
  ])('stops at a %s that is not finite, naming where, and keeps the last checkpoint', async (_name, damage) => {
    const config = { ...CONFIG, checkpointEvery: 1 };
    const given = await options('run', config, new DivergingRunner(damage));
    const sixth: ScoredExample[] = [];
    const failure: unknown = await run(given, (event) => {
      if (event.type === 'progress') sixth.length = event.examples;
    }).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(/in step 2 on example example-\d+ of "Document \d+\.txt"/) as string,
    });
    expect(sixth.length).toBe(5);
    expect(await readdir(path.join(folder, 'run'))).toEqual(['step-000001']);
  });
});
