import { UserError } from '../../../shared/errors.ts';
import type { MetricName, MetricRow } from '../../../shared/metrics.ts';
import type { RunConfig } from '../../../shared/run-config.ts';
import type { PairLogps } from '../../../shared/runs.ts';
import { watchedRunner } from '../model/runner.ts';
import type { ModelRunner, StepPart } from '../model/runner.ts';
import type { CheckpointFolder, Snapshot, TrainingProgress } from './checkpoints.ts';
import { DataOrder } from './data-order.ts';
import type { RopeFor, ScoredExample } from './example.ts';
import { evaluateHeldOut } from './held-out.ts';
import { createOptimizer, type Optimizer } from './optimizer.ts';
import { learningRateMultiplier, planRun, type RunPlan } from './schedule.ts';
import { applyStep, exampleGradient, GradientSum } from './train-step.ts';

export interface TrainOptions {
  readonly runner: ModelRunner;
  readonly config: RunConfig;
  /** At least one; their order is part of the run's identity. */
  readonly train: readonly ScoredExample[];
  /** From other documents; may be empty. */
  readonly heldOut: readonly ScoredExample[];
  readonly policyRope: RopeFor;
  readonly referenceRope: RopeFor;
  readonly checkpoints: CheckpointFolder;
  /** Continue from the newest usable checkpoint; false refuses a folder that already has some. */
  readonly resume: boolean;
  /** Start vector [P] instead of the runner's initial one (to train an existing adapter further). */
  readonly start?: Float32Array;
  /** State of another run on the same data that this one goes on from, unless it has checkpoints of its own. */
  readonly parent?: Snapshot;
  /** Pauses between examples: a checkpoint of the last whole step is written and the run ends as `stopped`. (To pause without losing a started step, ask for no further event.) */
  readonly signal?: AbortSignal;
  /** Told of what a step in segments has done within its example. */
  readonly onPart?: (progress: Progress) => void;
}

/** What a run reports while it goes on. */
export type TrainEvent =
  /** The run stands at `step`. Rows of later steps, logged before an interruption, will come again. */
  | { readonly type: 'started'; readonly step: number; readonly totalSteps: number; readonly checkpoint: string | null }
  | { readonly type: 'notice'; readonly message: string }
  | { readonly type: 'metrics'; readonly rows: readonly MetricRow[]; readonly pairs: readonly PairLogps[] }
  | { readonly type: 'checkpoint'; readonly step: number; readonly path: string }
  | ({ readonly type: 'progress' } & Progress);

export interface Progress {
  /** Whole steps done, of how many. */
  readonly step: number;
  readonly totalSteps: number;
  /** Examples read so far, and in all. */
  readonly examples: number;
  readonly totalExamples: number;
  /** Parts of the example at work, where it has any. */
  readonly part?: { readonly done: number; readonly total: number };
  /** From the mean time of an example since the start or continuation; null before the first one. */
  readonly etaSeconds: number | null;
}

export interface TrainResult {
  readonly status: 'completed' | 'stopped';
  readonly step: number;
  /** The trained vector [P] after `step` steps. */
  readonly parameters: Float32Array;
  /** The newest checkpoint's folder. */
  readonly checkpoint: string | null;
}

/**
 * The training loop. Equal options give equal parameters and equal deterministic metrics, bit for bit, however often
 * the run is stopped and continued. Events are produced as they are asked for (for await ... of); the result is the
 * generator's return value.
 * @throws UserError invalid_input when loss or gradient is not finite (the last checkpoint stays), conflict when the
 *   checkpoints are of another run
 */
export async function* train(options: TrainOptions): AsyncGenerator<TrainEvent, TrainResult, void> {
  const run = yield* startRun(options);
  const { config, signal } = options;
  const { totalSteps } = run.plan.schedule;
  const clock = new WorkClock(run.progress, run.plan);
  const sum = new GradientSum(run.parameters.length);

  for (;;) {
    const { step } = run.progress;
    if (heldOutIsDue(options, run)) {
      const { result: values, seconds } = await clock.time(() =>
        evaluateHeldOut(options.runner, options.heldOut, {
          settings: config,
          parameters: run.parameters,
          policyRope: options.policyRope,
          referenceRope: options.referenceRope,
          ...(signal === undefined ? {} : { signal }),
        }),
      );
      if (values === undefined) return yield* stop(options, run);
      run.progress = { ...run.progress, evaluatedStep: step };
      yield metrics(step, { ...values, eval_seconds: seconds });
    }
    if (step > (run.saved?.step ?? 0) && (step === totalSteps || step % config.checkpointEvery === 0)) {
      yield* save(options, run);
    }
    if (step === totalSteps) break;

    let stepSeconds = 0;
    const pairs: PairLogps[] = [];
    const order = new DataOrder(run.progress.dataOrder);
    const count = Math.min(config.batchSize, run.plan.totalExamples - order.state.position);
    for (let i = 0; i < count; i += 1) {
      if (signal?.aborted) return yield* stop(options, run);
      const example = options.train[order.next().index] as ScoredExample; // the order counts the examples
      const begun = performance.now();
      const position = order.state.position - 1;
      const runner = watchedRunner(options.runner, {
        ...(signal === undefined ? {} : { signal }),
        onPart: (part) => options.onPart?.(clock.within(step, position, part, begun)),
      });
      try {
        const { seconds } = await clock.time(async () => {
          const { policyRope } = options;
          const result = await exampleGradient(runner, example, config, run.parameters, policyRope, step + 1);
          sum.add(result, example, step + 1);
          for (const pair of result.pairs) pairs.push({ ...pair, step });
        });
        stepSeconds += seconds;
      } catch (error) {
        // Stopped between two parts of the example.
        if (signal?.aborted && error instanceof UserError && error.code === 'cancelled')
          return yield* stop(options, run);
        throw error;
      }
      yield { type: 'progress', ...clock.progress(step, order.state.position) };
    }
    const learningRate = config.learningRate * learningRateMultiplier(run.plan.schedule, step);
    const { result: done, seconds } = await clock.time(() =>
      applyStep(sum, run.parameters, run.optimizer, learningRate, config.maxGradNorm),
    );
    stepSeconds += seconds;
    run.progress = {
      step: step + 1,
      evaluatedStep: run.progress.evaluatedStep,
      dataOrder: order.state,
      numTokens: run.progress.numTokens + done.tokens,
      elapsedSeconds: run.progress.elapsedSeconds + stepSeconds,
    };
    yield metrics(
      step + 1,
      {
        ...done.metrics,
        num_tokens: run.progress.numTokens,
        epoch: order.state.position / order.state.count,
        tokens_per_second: done.tokens / stepSeconds,
        step_seconds: stepSeconds,
        elapsed_seconds: run.progress.elapsedSeconds,
        'memory/rss_bytes': process.memoryUsage.rss(),
      },
      pairs,
    );
    yield { type: 'progress', ...clock.progress(step + 1, order.state.position) };
  }
  return { status: 'completed', step: totalSteps, parameters: run.parameters, checkpoint: run.saved?.path ?? null };
}

/** The run's state: `progress` is replaced and the arrays change only at the end of a step. */
interface Run {
  readonly plan: RunPlan;
  readonly parameters: Float32Array;
  readonly optimizer: Optimizer;
  progress: TrainingProgress;
  /** The newest checkpoint of this run. */
  saved: { readonly step: number; readonly path: string } | null;
}

async function* startRun(options: TrainOptions): AsyncGenerator<TrainEvent, Run, void> {
  const { runner, config, train: examples, checkpoints } = options;
  const plan = planRun(config, examples.length);
  const optimizer = createOptimizer(config.optimizer, runner.layout.total);
  const { totalSteps } = plan.schedule;
  if (!options.resume && (await checkpoints.list()).length > 0) {
    throw new UserError('conflict', `${checkpoints.folder} already holds the checkpoints of a run.`, {
      place: { file: checkpoints.folder },
      hint: 'Continue that run, or choose another folder.',
    });
  }
  const loaded = options.resume ? await checkpoints.loadLatest() : undefined;
  if (loaded === undefined && options.parent !== undefined) {
    const { progress, parameters } = options.parent;
    if (progress.step >= totalSteps) throw new Error(`Nothing is left after step ${progress.step} of ${totalSteps}.`);
    restoreOptimizer(optimizer, options.parent);
    yield { type: 'started', step: progress.step, totalSteps, checkpoint: null };
    const run: Run = { plan, parameters, optimizer, progress, saved: null };
    // From here on it needs nothing of the other run.
    yield* save(options, run);
    return run;
  }
  if (loaded === undefined) {
    const dataOrder = new DataOrder({ seed: config.seed, count: examples.length, position: 0 }).state;
    const progress = { step: 0, evaluatedStep: -1, dataOrder, numTokens: 0, elapsedSeconds: 0 };
    const parameters = options.start?.slice() ?? (await runner.initialParameters(config.seed));
    yield { type: 'started', step: 0, totalSteps, checkpoint: null };
    return { plan, parameters, optimizer, progress, saved: null };
  }
  for (const { path, problem } of loaded.skipped) {
    yield { type: 'notice', message: `The checkpoint ${path} is not used: ${problem}` };
  }
  const { progress, parameters } = loaded.snapshot;
  restoreOptimizer(optimizer, loaded.snapshot);
  yield { type: 'started', step: progress.step, totalSteps, checkpoint: loaded.path };
  return { plan, parameters, optimizer, progress, saved: { step: progress.step, path: loaded.path } };
}

function restoreOptimizer(optimizer: Optimizer, { progress, optimizer: arrays }: Snapshot): void {
  for (const [name, array] of optimizer.state) {
    const saved = arrays.get(name);
    if (saved === undefined) throw new Error(`The checkpoint of step ${progress.step} has no optimizer array ${name}.`);
    array.set(saved);
  }
  optimizer.step = progress.step;
}

function heldOutIsDue({ config, heldOut }: TrainOptions, { plan, progress }: Run): boolean {
  if (heldOut.length === 0 || progress.evaluatedStep === progress.step) return false;
  return progress.step % config.evalEvery === 0 || progress.step === plan.schedule.totalSteps;
}

async function* save({ checkpoints, config }: TrainOptions, run: Run): AsyncGenerator<TrainEvent, void, void> {
  const { plan, progress, parameters, optimizer } = run;
  const path = await checkpoints.save({ progress, schedule: plan.schedule, parameters, optimizer: optimizer.state });
  run.saved = { step: progress.step, path };
  await checkpoints.prune(config.keepCheckpoints);
  yield { type: 'checkpoint', step: progress.step, path };
}

async function* stop(options: TrainOptions, run: Run): AsyncGenerator<TrainEvent, TrainResult, void> {
  const { step } = run.progress;
  if (step > (run.saved?.step ?? 0)) yield* save(options, run);
  return { status: 'stopped', step, parameters: run.parameters, checkpoint: run.saved?.path ?? null };
}

function metrics(
  step: number,
  values: Partial<Record<MetricName, number>>,
  pairs: readonly PairLogps[] = [],
): TrainEvent {
  const rows = Object.entries(values).map(([key, value]) => ({ step, key: key as MetricName, value }));
  return { type: 'metrics', rows, pairs };
}

/** Time spent at work, which a consumer that waits before it asks for the next event does not lengthen. */
class WorkClock {
  readonly #plan: RunPlan;
  readonly #firstExample: number;
  #seconds = 0;

  constructor({ dataOrder }: TrainingProgress, plan: RunPlan) {
    this.#plan = plan;
    this.#firstExample = dataOrder.position;
  }

  /** Runs `work` and returns its result and its seconds. */
  async time<T>(work: () => T | Promise<T>): Promise<{ readonly result: T; readonly seconds: number }> {
    const started = performance.now();
    const result = await work();
    const seconds = (performance.now() - started) / 1000;
    this.#seconds += seconds;
    return { result, seconds };
  }

  progress(step: number, examples: number): Progress {
    const { totalExamples, schedule } = this.#plan;
    const done = examples - this.#firstExample;
    const etaSeconds = done === 0 ? null : (this.#seconds / done) * (totalExamples - examples);
    return { step, totalSteps: schedule.totalSteps, examples, totalExamples, etaSeconds };
  }

  /** The same with `part` of the next example done, which began at `begun` (performance.now()). */
  within(step: number, examples: number, { fraction, ...part }: StepPart, begun: number): Progress {
    const { etaSeconds, ...whole } = this.progress(step, examples);
    const now = (performance.now() - begun) / 1000;
    const left = whole.totalExamples - examples;
    const done = examples - this.#firstExample;
    // The example's own pace where it is known, else that of those before it.
    const eta =
      fraction === null
        ? etaSeconds && Math.max(0, etaSeconds - now)
        : ((this.#seconds + now) / (done + fraction)) * (left - fraction);
    return { ...whole, part, etaSeconds: eta };
  }
}
