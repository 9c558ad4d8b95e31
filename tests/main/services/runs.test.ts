import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { beforeAll, expect, test } from 'vitest';
import {
  cancelRun,
  checkpointOf,
  continueFrom,
  listRuns,
  planTraining,
  resumeRun,
  runDetail,
  setCheckpointPinned,
  train,
} from '../../../src/main/services/runs.ts';
import type { RunConfigInput } from '../../../src/shared/run-config.ts';
import { scoredRuns } from '../../../src/main/services/reviews.ts';
import { dryRun } from '../../../src/main/services/dry-run.ts';
import { addPairs, closeAll, exactRows, open, temporaryFolder, tinyModel } from './fixtures.ts';
import { tinyRun } from './tiny-run.ts';

const request = { modelDir: tinyModel('llama'), config: tinyRun };

/** Rows and weights of the uninterrupted run that all others must equal. */
let whole: Awaited<ReturnType<typeof wholeRun>>;
beforeAll(async () => {
  const context = open();
  addPairs(context, 10);
  whole = await wholeRun(context);
  await closeAll();
});

async function wholeRun(context: ReturnType<typeof open>) {
  const { run } = await train(context, request);
  return { run, rows: exactRows(context, run.id), weights: weightsOf(context, run.id) };
}

function weightsOf(context: ReturnType<typeof open>, runId: number): Buffer {
  return readFileSync(join(checkpointOf(context, runId).folder, 'trainable.safetensors'));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('a run stores its snapshot, metrics and checkpoints; reference scores are reused by the next one', async () => {
  const context = open();
  addPairs(context, 10);
  const { run: made, rows } = await wholeRun(context);
  const { run, config, checkpoints } = runDetail(context, made.id);
  expect(rows).toEqual(whole.rows);
  expect(run.dataSha256).toBe(whole.run.dataSha256);
  // 10 documents, 2 held out; 8 x 2 examples of one turn, 3 epochs in steps of 2.
  expect(run).toMatchObject({ status: 'finished', pairCount: 16, heldOutCount: 4, lastStep: 24, seed: 7 });
  expect(run.codeVersion).toMatch(/^\d+\.\d+\.\d+/);
  expect(config).toMatchObject({ learningRate: 1e-3, trainable: { kind: 'lora', rank: 4 } });
  const present = checkpoints.filter(({ removedAt }) => removedAt === null);
  expect(checkpoints.map(({ step }) => step)).toEqual([4, 8, 12, 16, 20, 24]);
  expect(present.map(({ step, path }) => [step, path])).toEqual([
    [20, join('runs', '1', 'checkpoints', 'step-000020')],
    [24, join('runs', '1', 'checkpoints', 'step-000024')],
  ]);
  const steps = (key: string): number[] => rows.filter((row) => row.key === key).map((row) => row.step);
  expect(steps('loss')).toEqual(Array.from({ length: 24 }, (_, i) => i + 1));
  expect(steps('eval_kl/exact/chosen')).toEqual([0, 5, 10, 15, 20, 24]);
  expect(rows.every((row) => Number.isFinite(row.value))).toBe(true);

  // Stored scores are read, not computed again: a change to them shows.
  const database = new Database(join(context.workspace.folder, 'workspace.db'));
  const { scores } =
    database.prepare<[], { scores: number }>('SELECT count(*) AS scores FROM reference_logps').get() ?? {};
  expect(scores).toBe(20);
  database.exec(`UPDATE reference_logps SET chosen = replace(chosen, '-', '')`);
  database.close();
  const again = await train(context, { ...request, name: 'second', config: { ...tinyRun, epochs: null, maxSteps: 1 } });
  const reward = (from: typeof rows) =>
    from.find(({ step, key }) => step === 1 && key === 'rewards/chosen')?.value ?? 0;
  expect(reward(rows)).toBeCloseTo(0, 0);
  expect(reward(exactRows(context, again.run.id))).toBeLessThan(-2);
  expect(listRuns(context).rows.map(({ name }) => name)).toEqual(['longpo lora, seed 7', 'second']);
});

test('kill -9 of the engine at any step, then resume: the same rows and weights, bit for bit', async () => {
  const context = open();
  addPairs(context, 10);
  let runId = 0;
  let seen = 0;
  let killAt = 0;
  let kills = 0;
  const killer = {
    onRun: ({ id }: { readonly id: number }) => {
      runId = id;
    },
    onProgress: ({ phase, done }: { readonly phase: string; readonly done: number }) => {
      if (phase !== 'train' || done < killAt || context.engine.pid === undefined) return;
      kills += 1;
      process.kill(context.engine.pid, 'SIGKILL');
    },
  };
  const random = [7, 20, 29, 38];
  for (let attempt = 0; attempt < 20; attempt += 1) {
    killAt = random[attempt] ?? Infinity;
    const running = runId === 0 ? train(context, request, killer) : resumeRun(context, runId, killer);
    const ended: unknown = await running.catch((error: unknown) => error);
    if (!(ended instanceof Error)) break;
    expect(ended).toMatchObject({ code: 'internal', message: expect.stringContaining('SIGKILL') as string });
    expect(context.workspace.runs.get(runId)).toMatchObject({ status: 'failed' });
    seen = Math.max(seen, context.workspace.runs.get(runId).lastStep ?? 0);
  }
  expect(kills).toBe(random.length);
  expect(seen).toBeGreaterThan(4);
  expect(context.workspace.runs.get(runId)).toMatchObject({ status: 'finished', lastStep: 24 });
  expect(exactRows(context, runId)).toEqual(whole.rows);
  expect(weightsOf(context, runId).equals(whole.weights)).toBe(true);
});

test('kill -9 of the whole program: the engine ends by itself, the run is paused and goes on to the same rows', async () => {
  const folder = temporaryFolder();
  const setup = open(folder);
  addPairs(setup, 10);
  await setup.close();

  const script = fileURLToPath(new URL('./training-child.ts', import.meta.url));
  const child = fork(script, [folder, request.modelDir], { execArgv: [] });
  const engine = await new Promise<number>((resolve) => child.on('message', (pid) => resolve(pid as number)));
  const gone = new Promise((resolve) => child.on('exit', resolve));
  child.kill('SIGKILL');
  await gone;
  await expect.poll(() => isAlive(engine), { timeout: 10_000 }).toBe(false);

  const context = open(folder);
  expect(context.workspace.runs.get(1)).toMatchObject({ status: 'paused' });
  expect(context.workspace.runs.get(1).lastStep).toBeGreaterThanOrEqual(6);
  await resumeRun(context, 1);
  expect(exactRows(context, 1)).toEqual(whole.rows);
  expect(weightsOf(context, 1).equals(whole.weights)).toBe(true);
});

test('the signal pauses a run with a checkpoint; it can be continued or cancelled for good', async () => {
  const context = open();
  addPairs(context, 10);
  const stop = new AbortController();
  const onProgress = ({ phase, done }: { readonly phase: string; readonly done: number }): void => {
    if (phase === 'train' && done >= 13) stop.abort();
  };
  const paused = await train(context, request, { signal: stop.signal, onProgress });
  expect(paused.status).toBe('stopped');
  expect(paused.run.status).toBe('paused');
  expect(paused.checkpoint?.step).toBe(paused.run.lastStep);
  expect(paused.run.lastStep).toBeLessThan(24);

  const resumed = await resumeRun(context, paused.run.id);
  expect(resumed).toMatchObject({ status: 'completed', run: { status: 'finished' } });
  expect(exactRows(context, resumed.run.id)).toEqual(whole.rows);
  await expect(resumeRun(context, resumed.run.id)).rejects.toMatchObject({ code: 'conflict' });

  const early = new AbortController();
  const stopped = train(context, request, { signal: early.signal, onRun: () => early.abort() });
  await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
  cancelRun(context, 2);
  expect(context.workspace.runs.get(2).status).toBe('cancelled');
  await expect(resumeRun(context, 2)).rejects.toMatchObject({ code: 'conflict' });
});

test('what cannot be trained leaves the workspace as it was', async () => {
  const context = open();
  const count = () => ({ runs: listRuns(context).rows.length, events: context.workspace.events.list().rows.length });
  await expect(train(context, request)).rejects.toMatchObject({ code: 'invalid_input', message: /no pairs/ });
  expect(count()).toEqual({ runs: 0, events: 0 });

  addPairs(context, 4);
  const before = count();
  const long = train(context, { ...request, config: { ...tinyRun, maxLength: 40 } });
  await expect(long).rejects.toMatchObject({ code: 'invalid_input', place: { field: 'maxLength' }, message: /A text/ });
  const wrong = train(context, { ...request, config: { ...tinyRun, beta: -1 } });
  await expect(wrong).rejects.toMatchObject({ code: 'invalid_input', place: { field: 'beta' } });
  const missing = train(context, { ...request, modelDir: '/nowhere' });
  await expect(missing).rejects.toMatchObject({ code: 'not_found' });
  expect(count()).toEqual(before);

  const { run } = await train(context, { ...request, config: { ...tinyRun, epochs: null, maxSteps: 2 } });
  const other = resumeRun(context, run.id, { modelDir: tinyModel('qwen3') });
  await expect(other).rejects.toMatchObject({ code: 'conflict' });
});

test('a run does not go on with another model than its own', async () => {
  const context = open();
  addPairs(context, 4);
  const stop = new AbortController();
  const onProgress = ({ phase, done }: { readonly phase: string; readonly done: number }): void => {
    if (phase === 'train' && done >= 4) stop.abort();
  };
  const { run } = await train(context, request, { signal: stop.signal, onProgress });
  const other = resumeRun(context, run.id, { modelDir: tinyModel('llama_rope_linear') });
  await expect(other).rejects.toMatchObject({ code: 'conflict', place: { file: tinyModel('llama_rope_linear') } });
  expect(context.workspace.runs.get(run.id)).toMatchObject({ status: 'paused', lastStep: run.lastStep });
  expect((await resumeRun(context, run.id)).run.status).toBe('finished');
});

test('a run continued from any checkpoint has the rows and weights of the original after it; nothing of that one changes', async () => {
  const context = open();
  addPairs(context, 10);
  const config = { ...tinyRun, keepCheckpoints: 10 };
  const { run: original } = await train(context, { modelDir: request.modelDir, config });
  const before = runDetail(context, original.id);
  for (const step of [4, 12]) {
    const checkpoint = before.checkpoints.find((row) => row.step === step);
    const { run } = await continueFrom(context, { runId: original.id, checkpointId: checkpoint?.id ?? 0 });
    expect(run).toMatchObject({
      ...{ status: 'finished', parentRunId: original.id, parentCheckpointId: checkpoint?.id },
      ...{ dataSha256: original.dataSha256, name: `${original.name}, from step ${step}` },
    });
    expect(exactRows(context, run.id)).toEqual(whole.rows.filter((row) => row.step > step));
    expect(weightsOf(context, run.id).equals(whole.weights)).toBe(true);
    // Its own copy of the state: the other run's files may be thinned out.
    expect(runDetail(context, run.id).checkpoints[0]).toMatchObject({ step, runId: run.id });
  }
  expect(runDetail(context, original.id)).toEqual(before);
  expect(exactRows(context, original.id)).toEqual(whole.rows);

  const from = (change: object) =>
    continueFrom(context, { runId: original.id, checkpointId: before.checkpoints[1]?.id ?? 0, config: change });
  await expect(from({ seed: 1 })).rejects.toMatchObject({ code: 'invalid_input', place: { field: 'seed' } });
  await expect(from({ optimizer: { kind: 'rmsprop' } })).rejects.toMatchObject({ place: { field: 'optimizer.kind' } });
  await expect(from({ maxSteps: 8 })).rejects.toMatchObject({ code: 'invalid_input', place: { field: 'maxSteps' } });
  expect(listRuns(context).rows).toHaveLength(3);
  const { run: longer } = await from({ maxSteps: 10, learningRate: 1e-4 });
  expect(runDetail(context, longer.id).config).toMatchObject({ maxSteps: 10, epochs: null, learningRate: 1e-4 });
  expect(exactRows(context, longer.id).at(0)?.step).toBe(9);
  expect(longer.lastStep).toBe(10);
}, 60_000);

test('a run goes on under another objective, with its own weights and on the same examples', async () => {
  const context = open();
  addPairs(context, 4);
  const config = { ...tinyRun, epochs: null, maxSteps: 4, heldOutFraction: 0 };
  const { run } = await train(context, { modelDir: request.modelDir, config });
  const on = (from: number, change: RunConfigInput) =>
    continueFrom(context, {
      runId: from,
      checkpointId: checkpointOf(context, from).id,
      config: { maxSteps: 6, ...change },
    });
  let last = run.id;
  const along: readonly [RunConfigInput, object][] = [
    [{ objective: 'simpo' }, { beta: 2, gamma: 1, lambda: 1, nllDocument: 0 }],
    [{ objective: 'orpo' }, { beta: 1, lambda: 0.1, nllAnswers: 1 }],
    [{ objective: 'solopo' }, { reward: 'dpo', alpha: 3, beta: 0.1 }],
    [{ reward: 'simpo' }, { objective: 'solopo', reward: 'simpo', alpha: 1, beta: 2, gamma: 1 }],
    [
      { objective: 'opsdl', maxNewTokens: 4 },
      { lambda: 1, maxNewTokens: 4 },
    ],
    [{ objective: 'sft' }, { lambda: 0, nllAnswers: 1 }],
    [{ objective: 'longpo' }, { beta: 0.1, lambda: 0.01, nllDocument: 1, nllAnswers: 0 }],
  ];
  for (const [i, [change, expected]] of along.entries()) {
    const { run: next } = await on(last, { ...change, maxSteps: 5 + i });
    expect(next).toMatchObject({ status: 'finished', lastStep: 5 + i, dataSha256: run.dataSha256 });
    const found = runDetail(context, next.id).config;
    expect(found).toMatchObject({ ...change, ...expected, turnsPerSample: 1, seed: 7 });
    if (found.objective !== 'simpo' && found.reward !== 'simpo') expect(found).not.toHaveProperty('gamma');
    last = next.id;
  }

  const { run: several } = await train(context, {
    modelDir: request.modelDir,
    config: { ...config, turnsPerSample: 2 },
  });
  const runs = listRuns(context).rows.length;
  await expect(on(several.id, { objective: 'opsdl' })).rejects.toMatchObject({
    message: "The objective cannot become opsdl: it reads one turn an example, and the run's examples have up to 2.",
    place: { field: 'objective' },
  });
  // As the page sends it: with the field that the objective decides.
  await expect(on(several.id, { objective: 'solopo', turnsPerSample: 1 })).rejects.toMatchObject({
    place: { field: 'objective' },
  });
  expect(listRuns(context).rows).toHaveLength(runs);
  expect((await on(several.id, { objective: 'dpo' })).run).toMatchObject({ status: 'finished', lastStep: 6 });
}, 60_000);

test("DPO under a raised RoPE base begins at rewards of zero: its reference reads the long input with the policy's base", async () => {
  const context = open();
  addPairs(context, 3);
  const config: RunConfigInput = {
    ...tinyRun,
    ...{
      objective: 'dpo',
      lambda: 1,
      nllDocument: 0,
      ropeTheta: 500_000,
      epochs: null,
      maxSteps: 1,
      heldOutFraction: 0,
    },
  };
  const rewardsOf = async (more: RunConfigInput): Promise<number[]> => {
    const { run } = await train(context, { modelDir: request.modelDir, config: { ...config, ...more } });
    const rows = context.workspace.metrics.atStep(run.id, 1);
    return ['rewards/chosen', 'rewards/rejected'].map((name) => rows.find(({ key }) => key === name)?.value ?? NaN);
  };
  // Log-probabilities of float32 differ by rounding where rows are read in another program: 1e-5 of some ten nats.
  for (const reward of await rewardsOf({})) expect(Math.abs(reward)).toBeLessThan(1e-4);
  // What is stored of one reading is not taken for the other, in either order.
  for (const reward of await rewardsOf({ referenceRope: 'own' })) expect(Math.abs(reward)).toBeGreaterThan(1e-3);
  for (const reward of await rewardsOf({})) expect(Math.abs(reward)).toBeLessThan(1e-4);
  // LongPO's is the short-context skill, read with the model's own base: the policy does not begin as it.
  const longpo = await rewardsOf({ objective: 'longpo' });
  for (const reward of longpo) expect(Math.abs(reward)).toBeGreaterThan(1e-3);

  // A run of before has no such setting: its reference kept its own base, and what goes on from it keeps that.
  const { run: old } = await train(context, {
    modelDir: request.modelDir,
    config: { ...config, referenceRope: 'own', maxSteps: 2 },
  });
  const on = { runId: old.id, checkpointId: checkpointOf(context, old.id).id, config: { maxSteps: 3 } };
  const { run: next } = await continueFrom(context, on);
  expect(runDetail(context, next.id).config.referenceRope).toBe('own');
}, 60_000);

test('a continued run that was killed goes on to the same rows; a pinned checkpoint is not thinned out', async () => {
  const context = open();
  addPairs(context, 10);
  const first = await train(context, { modelDir: request.modelDir, config: { ...tinyRun, keepCheckpoints: 10 } });
  const parent = runDetail(context, first.run.id).checkpoints.find((row) => row.step === 4);
  let runId = 0;
  const killed = continueFrom(
    context,
    { runId: first.run.id, checkpointId: parent?.id ?? 0 },
    {
      onRun: ({ id }) => {
        runId = id;
      },
      onProgress: ({ phase, done }) => {
        if (phase === 'train' && done >= 21 && context.engine.pid !== undefined) {
          process.kill(context.engine.pid, 'SIGKILL');
        }
      },
    },
  );
  await expect(killed).rejects.toMatchObject({ code: 'internal' });
  await resumeRun(context, runId);
  expect(exactRows(context, runId)).toEqual(whole.rows.filter((row) => row.step > 4));

  const start = runDetail(context, runId).checkpoints;
  expect(start.some((row) => row.removedAt === null)).toBe(true);
  const { run } = await train(context, {
    modelDir: request.modelDir,
    config: { ...tinyRun, epochs: null, maxSteps: 4 },
  });
  const [only] = runDetail(context, run.id).checkpoints;
  await setCheckpointPinned(context, only?.id ?? 0, true);
  const { run: next } = await continueFrom(context, {
    runId: run.id,
    checkpointId: only?.id ?? 0,
    config: { maxSteps: 20 },
  });
  expect(next.lastStep).toBe(20);
  expect(runDetail(context, run.id).checkpoints).toMatchObject([{ pinned: true, removedAt: null }]);
  await setCheckpointPinned(context, only?.id ?? 0, false);
  expect(runDetail(context, run.id).checkpoints).toMatchObject([{ pinned: false }]);
}, 60_000);

test('RMSprop trains and is continued from its own state', async () => {
  const context = open();
  addPairs(context, 4);
  const config = { ...tinyRun, optimizer: { kind: 'rmsprop' as const }, epochs: null, maxSteps: 8, heldOutFraction: 0 };
  const { run } = await train(context, { modelDir: request.modelDir, config });
  expect(runDetail(context, run.id).config.optimizer).toEqual({
    kind: 'rmsprop',
    alpha: 0.99,
    eps: 1e-8,
    weightDecay: 0,
  });
  const [at4] = runDetail(context, run.id).checkpoints;
  const { run: next } = await continueFrom(context, { runId: run.id, checkpointId: at4?.id ?? 0 });
  expect(weightsOf(context, next.id).equals(weightsOf(context, run.id))).toBe(true);
});

test('a dry run measures the longest example and predicts the whole run, and stores nothing', async () => {
  const context = open();
  addPairs(context, 6);
  const report = await dryRun(context, request);
  expect(report).toMatchObject({ steps: 15 });
  expect(report.longest.tokens).toBeGreaterThanOrEqual(report.median.tokens);
  expect(Number.isFinite(report.longest.loss)).toBe(true);
  expect(report.peakBytes).toBeGreaterThan(50e6);
  for (const seconds of [report.longest.seconds, report.stepSeconds, report.referenceSeconds]) {
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThan(report.totalSeconds);
  }
  expect(listRuns(context).rows).toEqual([]);
  await expect(dryRun(context, { ...request, config: { ...tinyRun, maxLength: 20 } })).rejects.toMatchObject({
    place: { field: 'maxLength' },
  });
});

test('plan and dry run of OPSDL count the prompt and the longest answer that it may sample', async () => {
  const context = open();
  addPairs(context, 6);
  const longest = async (maxNewTokens: number): Promise<{ planned: number; tried: number }> => {
    const config: RunConfigInput = {
      ...tinyRun,
      ...{ objective: 'opsdl', lambda: 1, maxNewTokens, maxLength: 300 },
    };
    const { plan } = await planTraining(context, { ...request, config });
    const report = await dryRun(context, { ...request, config });
    expect(Number.isFinite(report.longest.loss)).toBe(true);
    return { planned: plan.longestTokens, tried: report.longest.tokens };
  };
  const few = await longest(4);
  expect(await longest(30)).toEqual({ planned: few.planned + 26, tried: few.tried + 26 });
  expect(few.tried).toBe(few.planned);
  await expect(longest(290)).rejects.toThrow(/up to 290 of them sampled \(maxNewTokens\), more than the limit of 300/);
});

test('a run notes the log-probabilities of the pairs that it reads, of exchanged ones in their own terms', async () => {
  const context = open();
  addPairs(context, 4);
  const { workspace } = context;
  const verdict = { reviewer: 'ann', verdict: 'rejected_better', blind: false, milliseconds: 1 } as const;
  workspace.reviews.append({ pairId: 3, ...verdict });
  const config = { ...tinyRun, epochs: 2, heldOutFraction: 0 };
  const { run } = await train(context, { ...request, config, selection: { review: 'corrected' } });
  const rows = workspace.pairLogps.ofRun(run.id);
  expect(rows.map(({ pairId }) => pairId)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  // 8 pairs in steps of 2: what stands is of the second epoch.
  expect([...new Set(rows.map(({ step }) => step))].sort()).toEqual([4, 5, 6, 7]);
  const { beta } = workspace.runs.config(run.id);
  const margins = exactRows(context, run.id).filter(({ key }) => key === 'rewards/margins');
  for (const step of [4, 5, 6, 7]) {
    const inRun = rows
      .filter((row) => row.step === step)
      .map((row) => {
        const own = row.policyChosen - row.referenceChosen - row.policyRejected + row.referenceRejected;
        return row.pairId === 3 ? -own : own;
      });
    expect(inRun).toHaveLength(2);
    const logged = margins.find((row) => row.step === step + 1)?.value;
    expect(((inRun[0] ?? NaN) + (inRun[1] ?? NaN)) / 2).toBeCloseTo((logged ?? NaN) / beta, 9);
  }
  expect(scoredRuns(context)).toEqual([{ id: run.id, name: run.name }]);
});
