import { freemem, totalmem } from 'node:os';
import type { RunPlanView, RunView } from '../../../shared/api/runs.ts';
import { parseRunConfig } from '../../../shared/run-config.ts';
import { exportAdapter, exportMerged } from '../exports.ts';
import { exportPairs } from '../pairs.ts';
import { usableModel } from '../models.ts';
import { cancelRun, planTraining, resumeRun, runDetail, runMetrics, train } from '../runs.ts';
import type { RunOutcome, TrainRequest } from '../runs.ts';
import { STOPPED } from './api-jobs.ts';
import type { JobControl } from './api-jobs.ts';
import type { DomainMethods, Handlers } from './handlers.ts';
import type { Session } from './session.ts';

/** Share of the free memory that a run may take before it counts as tight. */
const comfortable = 0.7;

function runView(session: Session, id: number): RunView {
  const { run, config, checkpoints } = runDetail(session.context, id);
  const modelPath = session.context.workspace.models.get(run.modelFingerprint)?.path ?? null;
  return { run, config, checkpoints, modelPath };
}

/** Estimate at a length from the model report's table, in straight lines through its points. */
function estimate(points: readonly { tokens: number; bytes: number }[], tokens: number): number {
  const sorted = [...points].sort((a, b) => a.tokens - b.tokens);
  const at = Math.max(
    1,
    sorted.findIndex((point) => point.tokens >= tokens),
  );
  const [left, right] = [sorted[at - 1], sorted[at] ?? sorted.at(-1)];
  if (left === undefined || right === undefined) return 0;
  if (left.tokens === right.tokens) return right.bytes;
  return left.bytes + ((right.bytes - left.bytes) * (tokens - left.tokens)) / (right.tokens - left.tokens);
}

async function plan(session: Session, request: TrainRequest): Promise<RunPlanView> {
  const config = parseRunConfig(request.config);
  const planned = await planTraining(session.context, request);
  const report = await usableModel(session.context.engine, request.modelDir);
  const memory = report.memory.map((row) => ({
    tokens: row.tokens,
    bytes: config.trainable.kind === 'full' ? row.trainFull : row.trainLora,
  }));
  const { longestTokens, packedTokens, steps, examples, heldOutExamples } = planned.plan;
  const memoryBytes = estimate(memory, longestTokens);
  const memoryAvailable = freemem();
  const verdict =
    memoryBytes <= comfortable * memoryAvailable ? 'fits' : memoryBytes <= memoryAvailable ? 'tight' : 'does_not_fit';
  const advice =
    verdict === 'fits'
      ? null
      : config.trainable.kind === 'full'
        ? 'Train a LoRA adapter instead of all weights, or leave out the longest documents.'
        : config.gradientCheckpointing === 'none'
          ? 'Turn gradient checkpointing on, or leave out the longest documents.'
          : `Leave out the longest documents, or close other programs (this machine has ${Math.round(totalmem() / 2 ** 30)} GiB).`;
  return {
    config,
    examples,
    heldOutExamples,
    pairs: planned.pairs.length,
    steps,
    warmupSteps: config.warmupSteps ?? Math.ceil((config.warmupRatio ?? 0) * steps),
    tokens: packedTokens,
    longestTokens,
    memoryBytes,
    memoryAvailable,
    verdict,
    advice,
  };
}

export function runHandlers(session: Session): Handlers<DomainMethods<'runs' | 'exports'>> {
  const watched = (control: JobControl, runId: () => number | null): JobControl => ({
    ...control,
    onProgress: (progress) => {
      control.onProgress?.(progress);
      session.changed('metrics', runId());
    },
  });
  const settle = (outcome: RunOutcome): unknown => {
    session.changed('runs');
    return outcome.status === 'stopped' ? STOPPED : outcome;
  };
  const abandon = ({ runId }: { readonly runId: number | null }): void => {
    if (runId !== null) cancelRun(session.context, runId);
    session.changed('runs');
  };
  const goOn = async (runId: number, control: JobControl): Promise<unknown> =>
    settle(
      await resumeRun(
        session.context,
        runId,
        watched(control, () => runId),
      ),
    );
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
    'runs.metrics': ({ id, cursor }) => runMetrics(session.context, id, cursor),
    'runs.config': ({ config }) => parseRunConfig(config),
    'runs.plan': async (request) => plan(session, await prepared(request)),
    'runs.start': async (input) => {
      const { context } = session;
      const request = await prepared(input);
      const config = parseRunConfig(request.config);
      let started: number | null = null;
      const job = session.jobs.start({
        kind: 'train',
        title: request.name ?? `Train ${config.objective}`,
        run: async (control) =>
          settle(
            await train(context, request, {
              ...watched(control, () => started),
              onRun: (run) => {
                started = run.id;
                control.note({ runId: run.id });
                session.changed('runs');
              },
            }),
          ),
        resume: ({ runId }, control) => (runId === null ? train(context, request, control) : goOn(runId, control)),
        abandon,
      });
      return { jobId: job.id };
    },
    'runs.resume': ({ id }) => {
      const { run } = runDetail(session.context, id);
      const job = session.jobs.start({
        kind: 'train',
        title: run.name,
        refs: { runId: id },
        run: (control) => goOn(id, control),
        resume: (_, control) => goOn(id, control),
        abandon,
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
    'runs.setPinned': ({ checkpointId, pinned }) => {
      session.context.workspace.checkpoints.setPinned(checkpointId, pinned);
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
    'exports.merged': async ({ runId, checkpointId, dir, dtype }) => {
      const target = await session.grants.check(dir);
      const { context } = session;
      const request = { runId, dir: target, dtype, ...(checkpointId === undefined ? {} : { checkpointId }) };
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
