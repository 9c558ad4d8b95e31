import type { RunPlanView, RunView } from '../../../shared/api/runs.ts';
import { judgePlan, longestThatFits, planMemory, stepRequest, withSegments } from '../../../shared/memory-plan.ts';
import { parseRunConfig } from '../../../shared/run-config.ts';
import { dryRun } from '../dry-run.ts';
import { exportAdapter, exportMerged } from '../exports.ts';
import { exportPairs } from '../pairs.ts';
import { usableModel } from '../models.ts';
import { roomFor } from '../run-memory.ts';
import { cancelRun, continueFrom, planTraining, runDetail, runMetrics, setCheckpointPinned, train } from '../runs.ts';
import type { RunOutcome, TrainOptions, TrainRequest } from '../runs.ts';
import type { JobControl } from './api-jobs.ts';
import type { DomainMethods, Handlers } from './handlers.ts';
import { settledRun, trainContinuation, watchedRun } from './resumable-jobs.ts';
import type { Session } from './session.ts';
import { ownEngine } from './system-handlers.ts';

function runView(session: Session, id: number): RunView {
  const { run, config, checkpoints } = runDetail(session.context, id);
  const modelPath = session.context.workspace.models.get(run.modelFingerprint)?.path ?? null;
  const parent =
    run.parentCheckpointId === null
      ? null
      : { runId: run.parentRunId ?? 0, step: session.context.workspace.checkpoints.get(run.parentCheckpointId).step };
  return { run, config, checkpoints, modelPath, parent };
}

async function plan(session: Session, request: TrainRequest): Promise<RunPlanView> {
  const config = parseRunConfig(request.config);
  const planned = await planTraining(session.context, request);
  const report = await usableModel(session.context.engine, request.modelDir);
  const { longestTokens, packedTokens, steps, examples, heldOutExamples } = planned.plan;
  const room = await roomFor(config, ownEngine(session).ownPids);
  const step = withSegments(report, stepRequest(config, longestTokens), room);
  const memory = planMemory(report, step);
  const { verdict, advice } = judgePlan(report, step, room);
  return {
    config,
    examples,
    heldOutExamples,
    pairs: planned.pairs.length,
    steps,
    warmupSteps: config.warmupSteps ?? Math.ceil((config.warmupRatio ?? 0) * steps),
    tokens: packedTokens,
    longestTokens,
    memoryBytes: memory.peak,
    memoryParts: memory.parts,
    memoryAvailable: room.memory,
    segmentLayers: memory.segmentLayers,
    hostBytes: memory.hostBytes,
    hostAvailable: room.host,
    longestThatFits: longestThatFits(report, { ...step, segmentLayers: config.segmentLayers }, room),
    verdict,
    advice,
  };
}

export function runHandlers(session: Session): Handlers<DomainMethods<'runs' | 'exports'>> {
  const startTraining = (
    title: string,
    begin: (options: TrainOptions) => Promise<RunOutcome>,
  ): { readonly jobId: number } => {
    let started: number | null = null;
    const run = async (control: JobControl): Promise<unknown> =>
      settledRun(
        await begin({
          ...watchedRun(session, control, () => started),
          onRun: ({ id }) => {
            started = id;
            control.note({ runId: id });
            session.changed('runs');
          },
        }),
      );
    return { jobId: session.jobs.start({ ...trainContinuation(session, run), title, run }).id };
  };
  const prepared = async <Request extends { readonly modelDir: string; readonly name?: string | undefined }>(
    request: Request,
  ) => {
    const { name, ...rest } = request;
    const modelDir = await session.grants.check(request.modelDir);
    return { ...rest, modelDir, ...(name === undefined ? {} : { name }) };
  };

  return {
    'runs.list': (request) => session.context.workspace.runs.list(request),
    'runs.get': ({ id }) => runView(session, id),
    'runs.overview': ({ id }) => session.context.workspace.metrics.overview(id),
    'runs.metrics': ({ id, cursor }) => runMetrics(session.context, id, cursor),
    'runs.config': ({ config }) => parseRunConfig(config),
    'runs.plan': async (request) => plan(session, await prepared(request)),
    'runs.dryRun': async (input) => {
      const { context } = session;
      const request = await prepared(input);
      const job = session.jobs.start({
        kind: 'dryRun',
        title: 'Dry run on the longest example',
        run: (control) => dryRun(context, request, control),
      });
      return { jobId: job.id };
    },
    'runs.start': async (input) => {
      const { context } = session;
      const request = await prepared(input);
      const config = parseRunConfig(request.config);
      return startTraining(request.name ?? `Train ${config.objective}`, (options) => train(context, request, options));
    },
    'runs.continueFrom': ({ name, config, ...request }) => {
      const { context } = session;
      const whole = {
        ...request,
        ...(name === undefined ? {} : { name }),
        ...(config === undefined ? {} : { config }),
      };
      return startTraining(name ?? `Train from run ${request.runId}`, (options) =>
        continueFrom(context, whole, options),
      );
    },
    'runs.resume': ({ id }) => {
      const { run } = runDetail(session.context, id);
      const continuation = trainContinuation(session);
      const job = session.jobs.start({
        ...continuation,
        title: run.name,
        refs: { runId: id },
        run: (control) => continuation.resume({ runId: id, generationId: null, evaluationIds: [] }, control),
      });
      return { jobId: job.id };
    },
    'runs.cancel': ({ id }) => {
      cancelRun(session.context, id);
      session.changed('runs');
      return session.context.workspace.runs.get(id);
    },
    'runs.rename': ({ id, name }) => {
      session.context.workspace.runs.rename(id, name);
      session.changed('runs', id);
      return session.context.workspace.runs.get(id);
    },
    'runs.setArchived': ({ id, archived }) => {
      session.context.workspace.runs.setArchived([id], archived);
      session.changed('runs');
      return null;
    },
    'runs.setPinned': async ({ checkpointId, pinned }) => {
      await setCheckpointPinned(session.context, checkpointId, pinned);
      session.changed('runs');
      return null;
    },
    'exports.adapter': async ({ runId, checkpointId, dir }) => {
      const target = await session.grants.check(dir);
      const { context } = session;
      const request = { runId, dir: target, ...(checkpointId === undefined ? {} : { checkpointId }) };
      const job = session.jobs.start({
        kind: 'export',
        title: `Adapter of run ${runId}`,
        refs: { runId },
        run: (control) => exportAdapter(context, request, control),
      });
      return { jobId: job.id };
    },
    'exports.merged': async ({ runId, checkpointId, dir, dtype, scale }) => {
      const target = await session.grants.check(dir);
      const { context } = session;
      const request = { runId, dir: target, dtype, scale, ...(checkpointId === undefined ? {} : { checkpointId }) };
      const job = session.jobs.start({
        kind: 'export',
        title: `Merged model of run ${runId}`,
        refs: { runId },
        run: (control) => exportMerged(context, request, control),
      });
      return { jobId: job.id };
    },
    'exports.pairs': async ({ path, ...columns }) => {
      const target = await session.grants.check(path);
      const { context } = session;
      const job = session.jobs.start({
        kind: 'export',
        title: `Pairs to ${target}`,
        run: (control) => exportPairs(context, { path: target, ...columns }, control),
      });
      return { jobId: job.id };
    },
  };
}
