import { existsSync, readdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { UserError } from '../../shared/errors.ts';
import type { ModelReport } from '../../shared/model-report.ts';
import type { Page, PageRequest } from '../../shared/paging.ts';
import { pairSelectionSchema } from '../../shared/pair-selection.ts';
import type { PairSelectionInput } from '../../shared/pair-selection.ts';
import { parseInput } from '../../shared/parse.ts';
import { inheritedFields, keptUnder, objectiveOwn, parseRunConfig, singleTurn } from '../../shared/run-config.ts';
import type { RunConfig, RunConfigInput } from '../../shared/run-config.ts';
import { keptMark } from '../../shared/runs.ts';
import type { CheckpointRow, PairLogps, RunRow, SnapshotPair } from '../../shared/runs.ts';
import type { TrainingPlan, TrainInput, TrainJobResult } from '../engine/protocol/jobs.ts';
import { writeFileAtomic } from '../files/atomic-write.ts';
import type { MetricsPage } from '../workspace/metrics.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { codeVersion } from './code-version.ts';
import { withSettledSegments } from './run-memory.ts';
import type { ServiceContext } from './context.ts';
import type { JobOptions } from './engine-client.ts';
import { withStatus } from './job-status.ts';
import { modelFolder, noteModel, usableModel } from './models.ts';
import { groupBySample, selectPairs, snapshotPair } from './pair-selection.ts';
import { noPairs } from './pairs.ts';
import { bySample, findReferences, storeReferences } from './stored-texts.ts';

type WorkspaceOnly = Pick<ServiceContext, 'workspace'>;

export interface TrainRequest {
  readonly modelDir: string;
  readonly config: RunConfigInput;
  readonly selection?: PairSelectionInput;
  readonly name?: string;
}

export interface TrainOptions extends JobOptions {
  /** Called once the run is in the store, before it begins. */
  readonly onRun?: ((run: RunRow, plan: TrainingPlan) => void) | undefined;
}

export interface RunOutcome {
  readonly run: RunRow;
  /** `stopped`: the run was paused by the signal and can be continued. */
  readonly status: TrainJobResult['status'];
  readonly checkpoint: CheckpointRow | null;
  readonly seconds: TrainJobResult['seconds'];
}

/**
 * Starts a run and sees it through. Configuration, pairs (with their revisions), seed and code version are fixed in the
 * store before it begins. `options.signal` pauses it: a checkpoint is written and the outcome says `stopped`.
 * Errors: `invalid_input` for the configuration, an empty selection or an example over maxLength (the workspace is as it
 * was then); those of the engine (the run is `failed` and can be resumed).
 */
export async function train(
  context: ServiceContext,
  request: TrainRequest,
  options: TrainOptions = {},
): Promise<RunOutcome> {
  const { workspace } = context;
  const { model, plan, pairs, heldOut } = await planTraining(context, request, options);
  const given = parseRunConfig(request.config);
  const config = await withSettledSegments(model, given, plan.longestTokens, ownPids(context));
  const id = workspace.transaction(() => {
    noteModel(workspace, model);
    return workspace.runs.add({
      name: request.name ?? `${config.objective} ${config.trainable.kind}, seed ${config.seed}`,
      config,
      modelFingerprint: model.fingerprint,
      codeVersion: codeVersion(),
      pairs: [...pairs],
      heldOut: [...heldOut],
    });
  });
  options.onRun?.(workspace.runs.get(id), plan);
  return execute(context, id, resolve(request.modelDir), false, options);
}

export interface ContinueRequest {
  readonly runId: number;
  readonly checkpointId: number;
  /** Settings that the new run has otherwise; `inheritedFields` and the optimizer's kind cannot be among them. */
  readonly config?: RunConfigInput;
  readonly name?: string;
  /** Left out: where the run found its model. */
  readonly modelDir?: string;
}

/**
 * Starts a new run from a checkpoint of another: its trained vector, optimizer state and place in the data, on the same
 * pairs, in a configuration of its own. The other run stays as it is. With the same configuration the new run's metrics
 * are those that the other one has after the checkpoint.
 * Errors: `not_found`; `invalid_input` for a setting that cannot change, or where nothing would be left to train (the
 * workspace is as it was then); `conflict` for another model.
 */
export async function continueFrom(
  context: ServiceContext,
  request: ContinueRequest,
  options: TrainOptions = {},
): Promise<RunOutcome> {
  const { workspace, engine } = context;
  const parent = workspace.runs.get(request.runId);
  const checkpoint = checkpointOf(context, parent.id, request.checkpointId);
  const wanted = continuedConfig(workspace.runs.config(parent.id), request.config ?? {});
  const modelDir = resolve(request.modelDir ?? modelFolder(context, parent.modelFingerprint));
  const model = await usableModel(engine, modelDir, { ...options, expected: parent.modelFingerprint });
  const { pairs, heldOut } = workspace.runs.data(parent.id);
  const samples = bySample(workspace, pairs);
  // The documents were split when the other run was made: these are all for training.
  const plan = await engine.run(
    'prepareTraining',
    { modelDir, config: { ...wanted, heldOutFraction: 0 }, documents: samples.map(() => 1) },
    { readSample: ({ index }) => workspace.samples.ofPairs(samples[index] ?? []) },
    options,
  );
  if (plan.steps <= checkpoint.step) {
    throw new UserError(
      'invalid_input',
      `The checkpoint is at step ${checkpoint.step}, and the new run would end at step ${plan.steps}.`,
      {
        place: { field: wanted.maxSteps === null ? 'epochs' : 'maxSteps' },
        hint: 'Choose an earlier checkpoint, or give the new run more epochs or steps.',
      },
    );
  }
  const config = await withSettledSegments(model, wanted, plan.longestTokens, ownPids(context));
  const id = workspace.runs.add({
    name: request.name ?? `${parent.name}, from step ${checkpoint.step}`,
    ...{ config, modelFingerprint: parent.modelFingerprint, codeVersion: codeVersion() },
    ...{ pairs: [...pairs], heldOut: [...heldOut], parentRunId: parent.id, parentCheckpointId: checkpoint.id },
  });
  options.onRun?.(workspace.runs.get(id), plan);
  return execute(context, id, modelDir, false, options);
}

/** Our own engine: what it holds of a card is free for the run. */
function ownPids({ engine }: Pick<ServiceContext, 'engine'>): readonly number[] {
  return engine.pid === undefined ? [] : [engine.pid];
}

/**
 * A run's configuration with changes over it. Of epochs and steps, or ratio and steps of warm-up, the change wins; another
 * objective brings its own weights, but reads the run's examples.
 */
function continuedConfig(parent: RunConfig, changes: RunConfigInput): RunConfig {
  const { turnsPerSample } = parent;
  const objective = changes.objective ?? parent.objective;
  if (singleTurn(objective) && turnsPerSample > 1) {
    throw new UserError(
      'invalid_input',
      `The objective cannot become ${objective}: it reads one turn an example, and the run's examples have up to ${turnsPerSample}.`,
      { place: { field: 'objective' }, hint: 'Start a new run from the model for that.' },
    );
  }
  // Runs of before the setting have none; a run that goes on with the same objective keeps their reference.
  const reference =
    objective === parent.objective && (objectiveOwn.referenceRope as readonly string[]).includes(objective)
      ? { referenceRope: parent.referenceRope ?? 'own' }
      : {};
  const merged: RunConfigInput = { ...keptUnder(parent, changes), ...reference, turnsPerSample, ...changes };
  const { optimizer } = changes;
  if (optimizer !== undefined && (optimizer.kind ?? parent.optimizer.kind) === parent.optimizer.kind) {
    merged.optimizer = { ...parent.optimizer, ...optimizer };
  }
  if (isSet(changes.maxSteps)) merged.epochs = null;
  if (isSet(changes.epochs)) merged.maxSteps = null;
  if (isSet(changes.warmupSteps)) merged.warmupRatio = null;
  if (isSet(changes.warmupRatio)) merged.warmupSteps = null;
  const config = parseRunConfig(merged);
  const field = inheritedFields.find((name) => JSON.stringify(config[name]) !== JSON.stringify(parent[name]));
  if (field !== undefined || config.optimizer.kind !== parent.optimizer.kind) {
    const name = field ?? 'optimizer.kind';
    throw new UserError('invalid_input', `A run that goes on from a checkpoint cannot change ${name}.`, {
      place: { field: name },
      hint: 'Start a new run from the model for that.',
    });
  }
  return config;
}

function isSet(value: unknown): boolean {
  return value !== null && value !== undefined;
}

export interface PlannedTraining {
  readonly model: ModelReport;
  readonly plan: TrainingPlan;
  readonly pairs: readonly SnapshotPair[];
  readonly heldOut: readonly SnapshotPair[];
}

/**
 * What a run would be made of: its data, steps and tokens. Stores nothing.
 * Errors: as `train`.
 */
export async function planTraining(
  context: ServiceContext,
  request: TrainRequest,
  options: JobOptions = {},
): Promise<PlannedTraining> {
  const { workspace, engine } = context;
  const config = parseRunConfig(request.config);
  const selection = parseInput(pairSelectionSchema, request.selection ?? {}, 'Selection of pairs');
  const groups = groupBySample(selectPairs(workspace, selection));
  if (groups.length === 0) throw noPairs();
  const model = await usableModel(engine, request.modelDir, options);
  const modelDir = model.path;
  const snapshot = (group: (typeof groups)[number]): SnapshotPair[] => group.map(snapshotPair);
  const plan = await engine.run(
    'prepareTraining',
    { modelDir, config, documents: groups.map((group) => group[0]?.documentId ?? 0) },
    { readSample: ({ index }) => workspace.samples.ofPairs(snapshot(groups[index] ?? [])) },
    options,
  );
  const kept = new Set(plan.heldOut);
  const isHeldOut = (group: (typeof groups)[number]): boolean => kept.has(group[0]?.documentId ?? 0);
  return {
    model,
    plan,
    pairs: groups.filter((group) => !isHeldOut(group)).flatMap(snapshot),
    heldOut: groups.filter(isHeldOut).flatMap(snapshot),
  };
}

/**
 * Goes on with a run that was paused, failed or killed, from its newest whole checkpoint. Metrics after it are cut off
 * and come again: the rows are those of a run that was never interrupted.
 * Errors: `not_found`, `conflict` (finished, cancelled, other model, other configuration).
 */
export async function resumeRun(
  context: ServiceContext,
  runId: number,
  options: JobOptions & { readonly modelDir?: string } = {},
): Promise<RunOutcome> {
  const { workspace } = context;
  const run = workspace.runs.get(runId);
  if (run.status === 'finished' || run.status === 'cancelled') {
    throw new UserError('conflict', `The run ${runId} is ${run.status} and cannot be continued.`, {
      hint: 'Start a new run.',
    });
  }
  const modelDir = resolve(options.modelDir ?? modelFolder(context, run.modelFingerprint));
  await usableModel(context.engine, modelDir, { ...options, expected: run.modelFingerprint });
  return execute(context, runId, modelDir, true, options);
}

/** Ends a paused or failed run for good; its metrics and checkpoints stay. Errors: `not_found`, `conflict`. */
export function cancelRun({ workspace }: WorkspaceOnly, runId: number): void {
  workspace.runs.setStatus(runId, 'cancelled');
}

/**
 * Keeps a checkpoint from being thinned out, or no longer; the mark also lies in its folder, where the trainer reads it.
 * Errors: `not_found`.
 */
export async function setCheckpointPinned(
  { workspace }: WorkspaceOnly,
  checkpointId: number,
  pinned: boolean,
): Promise<void> {
  const { path, removedAt } = workspace.checkpoints.get(checkpointId);
  if (removedAt !== null) {
    throw new UserError('not_found', `The files of the checkpoint ${checkpointId} are no longer there.`);
  }
  const mark = join(workspace.folder, path, keptMark);
  if (pinned) await writeFileAtomic(mark, '');
  else await rm(mark, { force: true });
  workspace.checkpoints.setPinned(checkpointId, pinned);
}

/** Runs in the order they were made. */
export function listRuns(
  { workspace }: WorkspaceOnly,
  request: PageRequest & { archived?: boolean } = {},
): Page<RunRow> {
  return workspace.runs.list(request);
}

/** A run with its configuration and checkpoints. Errors: `not_found`. */
export function runDetail(
  { workspace }: WorkspaceOnly,
  runId: number,
): { readonly run: RunRow; readonly config: RunConfig; readonly checkpoints: readonly CheckpointRow[] } {
  return {
    run: workspace.runs.get(runId),
    config: workspace.runs.config(runId),
    checkpoints: workspace.checkpoints.ofRun(runId),
  };
}

/** A run's metrics that were added after `cursor` (null = from the start). */
export function runMetrics({ workspace }: WorkspaceOnly, runId: number, cursor: string | null = null): MetricsPage {
  return workspace.metrics.since(runId, cursor);
}

/** Every metric of a run as it stands, in order of step and name. */
export function allRunMetrics({ workspace }: WorkspaceOnly, runId: number): MetricsPage['rows'] {
  const rows: MetricsPage['rows'][number][] = [];
  for (let cursor: string | null = null; ;) {
    const page = workspace.metrics.since(runId, cursor);
    rows.push(...page.rows);
    cursor = page.cursor;
    if (!page.more) break;
  }
  return rows.sort((a, b) => a.step - b.step || (a.key < b.key ? -1 : 1));
}

/**
 * The checkpoint that a run's weights are taken from: the one named, or the newest that is still there.
 * Errors: `not_found`.
 */
export function checkpointOf(
  { workspace }: WorkspaceOnly,
  runId: number,
  checkpointId: number | null = null,
): CheckpointRow & { readonly folder: string } {
  const rows = workspace.checkpoints.ofRun(workspace.runs.get(runId).id).filter((row) => row.removedAt === null);
  const found =
    checkpointId === null ? rows.sort((a, b) => b.step - a.step)[0] : rows.find((row) => row.id === checkpointId);
  if (found === undefined) {
    const what = checkpointId === null ? 'no checkpoint yet' : `no checkpoint ${checkpointId}`;
    throw new UserError('not_found', `The run ${runId} has ${what}.`, {
      hint: checkpointId === null ? 'Let the run reach its first checkpoint.' : 'Choose one of its checkpoints.',
    });
  }
  return { ...found, folder: resolve(workspace.folder, found.path) };
}

/** What a run found of a pair whose answers it exchanged, in the pair's own terms. */
function exchanged({ pairId, step, ...logps }: PairLogps): PairLogps {
  return {
    ...{ pairId, step },
    ...{ policyChosen: logps.policyRejected, policyRejected: logps.policyChosen },
    ...{ referenceChosen: logps.referenceRejected, referenceRejected: logps.referenceChosen },
  };
}

async function execute(
  context: ServiceContext,
  runId: number,
  modelDir: string,
  resume: boolean,
  options: JobOptions,
): Promise<RunOutcome> {
  const { workspace, engine } = context;
  const run = workspace.runs.get(runId);
  const config = workspace.runs.config(runId);
  const data = workspace.runs.data(runId);
  const sets = { train: bySample(workspace, data.pairs), heldOut: bySample(workspace, data.heldOut) };
  const swapped = new Set([...data.pairs, ...data.heldOut].filter((pair) => pair.swapped).map(({ pairId }) => pairId));
  const checkpointDir = join(workspace.folder, 'runs', String(runId), 'checkpoints');
  const result = await withStatus(
    workspace.runs,
    runId,
    () =>
      engine.run(
        'train',
        {
          modelDir,
          modelFingerprint: run.modelFingerprint,
          config,
          samples: sets.train.length,
          heldOutSamples: sets.heldOut.length,
          checkpointDir,
          resume,
          parent: parentOf(workspace, run),
          codeVersion: run.codeVersion,
        },
        {
          readSample: ({ set, index }) => workspace.samples.ofPairs(sets[set][index] ?? []),
          findReferences: ({ keys }) => findReferences(workspace, keys),
          references: ({ rows }) => storeReferences(workspace, rows),
          trainingStarted: ({ step, checkpoint }) =>
            workspace.transaction(() => {
              workspace.metrics.truncateAfter(runId, checkpoint === null ? -1 : step);
              // Killed between writing a checkpoint and saying so: it is there, but not in the store.
              if (checkpoint !== null) noteCheckpoint(workspace, runId, step, checkpoint);
            }),
          metrics: ({ rows, pairs }) =>
            workspace.transaction(() => {
              workspace.metrics.append(runId, rows);
              workspace.pairLogps.put(
                runId,
                pairs.map((pair) => (swapped.has(pair.pairId) ? exchanged(pair) : pair)),
              );
            }),
          checkpoint: ({ step, path }) => workspace.transaction(() => noteCheckpoint(workspace, runId, step, path)),
        },
        options,
      ),
    ({ status }) => status === 'completed',
  );
  return {
    run: workspace.runs.get(runId),
    status: result.status,
    checkpoint: latest(workspace, runId),
    seconds: result.seconds,
  };
}

function parentOf(workspace: Workspace, run: RunRow): TrainInput['parent'] {
  if (run.parentRunId === null || run.parentCheckpointId === null) return null;
  const { path } = workspace.checkpoints.get(run.parentCheckpointId);
  return { checkpoint: resolve(workspace.folder, path), config: workspace.runs.config(run.parentRunId) };
}

/** Notes a checkpoint that was written, and those that the engine has thinned out. */
function noteCheckpoint(workspace: Workspace, runId: number, step: number, folder: string): void {
  const path = relative(workspace.folder, folder);
  let known = false;
  for (const row of workspace.checkpoints.ofRun(runId)) {
    if (row.removedAt !== null) continue;
    if (!existsSync(resolve(workspace.folder, row.path))) workspace.checkpoints.setRemoved(row.id);
    else if (row.step === step && row.path === path) known = true;
  }
  if (known) return;
  const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  workspace.checkpoints.add({ runId, step, path, bytes });
}

function latest(workspace: Workspace, runId: number): CheckpointRow | null {
  const rows = workspace.checkpoints.ofRun(runId).filter((row) => row.removedAt === null);
  return rows.sort((a, b) => b.step - a.step)[0] ?? null;
}
