import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename, resolve } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../shared/errors.ts';
import { evaluationTaskSchema } from '../../shared/evaluation-tasks.ts';
import type {
  Comparison,
  EvaluationOutcome,
  EvaluationTask,
  EvaluationTaskInput,
} from '../../shared/evaluation-tasks.ts';
import { hasScore, judgeOf } from '../../shared/evaluations.ts';
import type { EvaluationItem, EvaluationRow, Judge } from '../../shared/evaluations.ts';
import type { ModelReport } from '../../shared/model-report.ts';
import { everyRow } from '../../shared/paging.ts';
import type { Page, PageRequest } from '../../shared/paging.ts';
import { parseInput } from '../../shared/parse.ts';
import { parseRunConfig } from '../../shared/run-config.ts';
import type { RunConfig } from '../../shared/run-config.ts';
import { snapshotOf } from '../../shared/runs.ts';
import type { SnapshotPair } from '../../shared/runs.ts';
import type { EvaluateInput, Execution } from '../engine/protocol/jobs.ts';
import { asReadError } from '../files/json-lines.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { codeVersion } from './code-version.ts';
import type { ServiceContext } from './context.ts';
import type { JobOptions } from './engine-client.ts';
import { machineOf } from './machine.ts';
import { modelFolder, noteModel, usableModel } from './models.ts';
import { checkpointOf } from './runs.ts';
import { allSamples, bySample, findReferences, storeReferences } from './stored-texts.ts';
import { baseBits } from '../../shared/run-config.ts';

/** Whose weights are evaluated: the model as it is, a PEFT folder on it, or a checkpoint of a run. */
export type EvaluationSource =
  | { readonly kind: 'base'; readonly modelDir: string }
  | { readonly kind: 'adapter'; readonly modelDir: string; readonly dir: string; readonly ropeTheta?: number | null }
  /** `checkpointId` left out: the newest one; `modelDir` left out: where the run found its model. */
  | { readonly kind: 'run'; readonly runId: number; readonly checkpointId?: number; readonly modelDir?: string };

export interface EvaluationRequest {
  readonly source: EvaluationSource;
  readonly tasks: readonly EvaluationTaskInput[];
  readonly execution?: Partial<Execution>;
}

export interface EvaluateOptions extends JobOptions {
  /** Called once the rows are in the store, one for each task, before the first begins. */
  readonly onRows?: (ids: readonly number[]) => void;
  readonly onTask?: (outcome: EvaluationOutcome) => void;
}

/**
 * Evaluates a model on each task, one row in the store for each, with every item's answer. What is finished stays when
 * a later task fails or is stopped.
 * Errors: `invalid_input` naming the task, file or field and `not_found` (nothing is stored then), those of the model.
 */
export function evaluate(
  context: ServiceContext,
  request: EvaluationRequest,
  options: EvaluateOptions = {},
): Promise<readonly EvaluationOutcome[]> {
  return evaluateInto(context, request, [], options);
}

/**
 * Goes on with evaluations that were stopped, failed or killed, after the last batch of answers that was stored.
 * Those that are finished are passed over.
 * Errors: `not_found`; `conflict` for a cancelled one, and where its set, model or pairs are no longer the same.
 */
export async function resumeEvaluations(
  context: ServiceContext,
  ids: readonly number[],
  options: EvaluateOptions = {},
): Promise<readonly EvaluationOutcome[]> {
  const outcomes: EvaluationOutcome[] = [];
  for (const row of ids.map((id) => context.workspace.evaluations.get(id))) {
    if (row.status === 'finished') continue;
    if (row.status === 'cancelled') {
      throw new UserError('conflict', `The evaluation ${row.id} is cancelled and cannot be continued.`, {
        hint: 'Start it again.',
      });
    }
    const { task, source, execution } = storedRequestSchema.parse(row.config);
    const exact = source.kind === 'run' && row.checkpointId !== null ? { checkpointId: row.checkpointId } : {};
    const request = { source: { ...source, ...exact } as EvaluationSource, tasks: [task], execution };
    outcomes.push(...(await evaluateInto(context, request, [row], options)));
  }
  return outcomes;
}

/** Ends stopped evaluations for good; their answers stay. Errors: `not_found`. */
export function cancelEvaluations({ workspace }: Pick<ServiceContext, 'workspace'>, ids: readonly number[]): void {
  for (const id of ids) {
    const { status } = workspace.evaluations.get(id);
    if (status !== 'finished' && status !== 'cancelled') workspace.evaluations.setStatus(id, 'cancelled');
  }
}

/** What a row says about how it was asked for. */
export const storedRequestSchema = z.object({
  task: evaluationTaskSchema,
  source: z.looseObject({ kind: z.enum(['base', 'adapter', 'run']) }),
  execution: z
    .object({
      device: z.enum(['cpu', 'cuda']).optional(),
      threads: z.int().optional(),
      baseBits: z.enum(baseBits).optional(),
    })
    .default({})
    .transform((execution) => execution as Partial<Execution>),
});

/**
 * The task of a stored evaluation and the folder of its model, for whoever reads its set again.
 * Errors: `not_found`; `conflict` where the set's files are no longer the same.
 */
export async function storedTask(
  context: ServiceContext,
  id: number,
): Promise<{ readonly task: EvaluationTask; readonly modelDir: string }> {
  const row = context.workspace.evaluations.get(id);
  const { task, source } = storedRequestSchema.parse(row.config);
  const whole = withWholePaths(task);
  if (
    whole.kind !== 'kl' &&
    (await hashOf(context.workspace, whole, [], judgeOf(row)?.fingerprint ?? '')) !== row.setSha256
  )
    throw changedSet(task.name);
  const { modelDir } = sourceOf(context, source as EvaluationSource);
  return { task: whole, modelDir };
}

/** Evaluates into new rows, or into the rows of an earlier try (one for each task). */
async function evaluateInto(
  context: ServiceContext,
  request: EvaluationRequest,
  earlier: readonly EvaluationRow[],
  options: EvaluateOptions,
): Promise<readonly EvaluationOutcome[]> {
  const { workspace, engine } = context;
  const tasks = wholeTasks(request.tasks);
  const { modelDir, expected, weights, config, runId, checkpointId, ropeTheta } = sourceOf(context, request.source);
  const samples = tasks.map((task) => (task.kind === 'kl' ? klSamples(workspace, task, runId) : []));
  const judges = new Map<string, ModelReport>();
  for (const task of tasks) {
    if (task.kind === 'judged') judges.set(task.judge, await usableModel(engine, task.judge, options));
  }
  const judgeOfTask = (task: EvaluationTask): ModelReport | undefined =>
    task.kind === 'judged' ? judges.get(task.judge) : undefined;
  const hashes = await Promise.all(
    tasks.map((task, i) => hashOf(workspace, task, samples[i] ?? [], judgeOfTask(task)?.fingerprint ?? '')),
  );
  const changed = tasks.find((_, i) => earlier[i] !== undefined && earlier[i].setSha256 !== hashes[i]);
  if (changed !== undefined) throw changedSet(changed.name);
  const answered = earlier.map(({ id }) => [...allItems(workspace, id)]);
  const model = await usableModel(engine, modelDir, { ...options, ...(expected === null ? {} : { expected }) });

  const execution = {
    ...{ device: config.device, threads: config.threads, baseBits: config.baseBits },
    ...request.execution,
  };
  const machine = await machineOf(execution);
  const addRows = (selfJudged: readonly (boolean | null)[]): number[] =>
    tasks.map((task, i) => {
      const report = judgeOfTask(task);
      const judge: Judge | undefined = report && {
        ...{ name: basename(report.path), fingerprint: report.fingerprint, selfJudged: selfJudged[i] ?? false },
      };
      return workspace.evaluations.add({
        setName: task.name,
        setSha256: hashes[i] ?? '',
        kind: task.kind,
        modelFingerprint: model.fingerprint,
        runId,
        checkpointId,
        config: JSON.parse(JSON.stringify({ task, source: request.source, execution, judge })) as never,
        codeVersion: codeVersion(),
        seed: 'seed' in task ? task.seed : 0,
      });
    });
  let ids: readonly number[] = [];
  const idOf = (task: number): number => ids[task] ?? 0;
  const flat = samples.flat();
  const outcomes: EvaluationOutcome[] = [];
  try {
    await engine.run(
      'evaluate',
      {
        modelDir,
        weights,
        ropeTheta,
        tasks,
        samples: samples.map((list) => list.length),
        answered,
        config,
        ...execution,
      },
      {
        readSample: ({ index }) => workspace.samples.ofPairs(flat[index] ?? []),
        findReferences: ({ keys }) => findReferences(workspace, keys),
        references: ({ rows }) => storeReferences(workspace, rows),
        ready: ({ selfJudged }) =>
          workspace.transaction(() => {
            noteModel(workspace, model);
            ids = earlier.length > 0 ? earlier.map(({ id }) => id) : addRows(selfJudged);
            options.onRows?.(ids);
            for (const id of ids) workspace.evaluations.setStatus(id, 'running');
          }),
        items: ({ task, items }) => workspace.evaluations.addItems(idOf(task), items),
        taskFinished: ({ task, summary, effort }) => {
          const items = workspace.evaluations.get(idOf(task)).items - (summary['too_long'] ?? 0);
          // Of an evaluation that was resumed only a part is measured, and what that part was is not known.
          const whole = (answered[task]?.length ?? 0) === 0;
          workspace.evaluations.finish(idOf(task), summary, whole ? { ...effort, machine, items } : null);
          const row = workspace.evaluations.get(idOf(task));
          const outcome = { task: tasks[task] as EvaluationTask, row, summary }; // the engine counts our tasks
          outcomes.push(outcome);
          options.onTask?.(outcome);
        },
      },
      options,
    );
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const stopped = error instanceof UserError && error.code === 'cancelled';
    for (const id of ids) {
      if (workspace.evaluations.get(id).status !== 'running') continue;
      workspace.evaluations.setStatus(id, stopped ? 'paused' : 'failed', stopped ? null : message);
    }
    throw error;
  }
  return outcomes;
}

/** Evaluations in the order they were made, of one run or of all. */
export function listEvaluations(
  { workspace }: Pick<ServiceContext, 'workspace'>,
  request: PageRequest & { runId?: number } = {},
): Page<EvaluationRow> {
  return workspace.evaluations.list(request);
}

/** Every answer of an evaluation, one page. */
export function evaluationItems(
  { workspace }: Pick<ServiceContext, 'workspace'>,
  id: number,
  request: PageRequest = {},
): Page<EvaluationItem> {
  return workspace.evaluations.items(id, request);
}

/**
 * Compares evaluations of the same set, item by item, with the first one as the baseline.
 * Errors: `invalid_input` where they are not of the same set, `not_found`.
 */
export async function compareEvaluations(
  { workspace, engine }: ServiceContext,
  ids: readonly number[],
  options: JobOptions & { readonly names?: readonly string[] } = {},
): Promise<Comparison> {
  const rows = ids.map((id) => workspace.evaluations.get(id));
  const [first] = rows;
  if (first === undefined) throw new UserError('invalid_input', 'There are no evaluations to compare.');
  const other = rows.find((row) => row.setSha256 !== first.setSha256 || row.kind !== first.kind);
  if (other !== undefined) {
    throw new UserError(
      'invalid_input',
      `The evaluations ${first.id} (${first.setName}) and ${other.id} (${other.setName}) are not of the same set.`,
      { hint: 'Compare evaluations of one set.' },
    );
  }
  const models = rows.map((row, i) => {
    const values: (number | null)[] = [];
    for (const item of allItems(workspace, row.id)) values[item.index] = hasScore(item) ? item.score : null;
    return {
      name: options.names?.[i] ?? `${row.setName} ${row.id}`,
      values: Array.from(values, (value) => value ?? null),
    };
  });
  const longest = Math.max(...models.map(({ values }) => values.length));
  for (const { values } of models) while (values.length < longest) values.push(null);
  return engine.run('compare', { models, higherIsBetter: first.kind !== 'text' && first.kind !== 'kl' }, {}, options);
}

/** One item as several evaluations answered it. */
export interface ComparedItem {
  readonly index: number;
  readonly question: string;
  readonly expected: string;
  /** Places of the evidence in what was read, 0 = start, 1 = end; empty where it is not known. */
  readonly evidence: readonly number[];
  /** In the order of the evaluations. */
  readonly answers: readonly { readonly answer: string; readonly score: number }[];
}

/** Items of evaluations of one set side by side; those that are not there in all are left out. Errors: `not_found`. */
export function comparedItems(
  { workspace }: Pick<ServiceContext, 'workspace'>,
  ids: readonly number[],
  indices: readonly number[],
): ComparedItem[] {
  const byIndex = ids.map((id) => new Map([...allItems(workspace, id)].map((item) => [item.index, item])));
  return indices.flatMap((index) => {
    const items = byIndex.flatMap((map) => map.get(index) ?? []);
    const [first] = items;
    if (first === undefined || items.length < ids.length) return [];
    const { question, expected, detail } = first;
    const answers = items.map(({ answer, score }) => ({ answer, score }));
    return [{ index, question, expected, evidence: evidenceOf(detail), answers }];
  });
}

/** What the kinds of tasks say about the place of the evidence: character ranges, or one depth. */
const evidenceSchema = z.union([
  z
    .object({ evidence: z.array(z.tuple([z.number(), z.number()])), inputLength: z.number() })
    .transform(({ evidence, inputLength }) => evidence.map(([start]) => start / inputLength)),
  z.object({ depth: z.number() }).transform(({ depth }) => [depth]),
]);

function evidenceOf(detail: EvaluationItem['detail']): readonly number[] {
  const parsed = evidenceSchema.safeParse(detail);
  return parsed.success ? parsed.data : [];
}

function allItems(workspace: Workspace, id: number): Generator<EvaluationItem> {
  return everyRow((cursor) => workspace.evaluations.items(id, { cursor, limit: 5000 }));
}

function changedSet(name: string): UserError {
  return new UserError('conflict', `The set "${name}" is no longer what the evaluation began with.`, {
    hint: 'Start the evaluation again.',
  });
}

/** Where the weights of a source lie, and what they were trained with. */
export interface ResolvedSource {
  readonly modelDir: string;
  /** Fingerprint that the model must have. */
  readonly expected: string | null;
  readonly weights: EvaluateInput['weights'];
  readonly config: RunConfig;
  readonly runId: number | null;
  readonly checkpointId: number | null;
  readonly ropeTheta: number | null;
}

/** Errors: `not_found` for a run or checkpoint that is not there. */
export function sourceOf(context: ServiceContext, source: EvaluationSource): ResolvedSource {
  const none = { expected: null, runId: null, checkpointId: null, ropeTheta: null, config: parseRunConfig({}) };
  if (source.kind === 'base') return { ...none, modelDir: resolve(source.modelDir), weights: { kind: 'base' } };
  if (source.kind === 'adapter') {
    const weights = { kind: 'adapter' as const, dir: resolve(source.dir) };
    return { ...none, modelDir: resolve(source.modelDir), weights, ropeTheta: source.ropeTheta ?? null };
  }
  const { workspace } = context;
  const run = workspace.runs.get(source.runId);
  const config = workspace.runs.config(source.runId);
  const checkpoint = checkpointOf(context, source.runId, source.checkpointId ?? null);
  return {
    modelDir: resolve(source.modelDir ?? modelFolder(context, run.modelFingerprint)),
    weights: { kind: 'checkpoint', path: checkpoint.folder, trainable: config.trainable },
    config,
    expected: run.modelFingerprint,
    runId: run.id,
    checkpointId: checkpoint.id,
    ropeTheta: config.ropeTheta,
  };
}

/** The pairs that a task on held-out pairs reads, by sample. Errors: `invalid_input` where there are none. */
export function klSamples(
  workspace: Workspace,
  task: Extract<EvaluationTask, { kind: 'kl' }>,
  runId: number | null,
): SnapshotPair[][] {
  const groups =
    task.samples !== null
      ? task.samples.map((id) => snapshotOf(workspace.samples.get(id).turns))
      : runId === null
        ? [...allSamples(workspace)].map((sample) => snapshotOf(sample.turns))
        : bySample(workspace, workspace.runs.data(runId).heldOut);
  const chosen = groups.slice(0, task.limit ?? groups.length);
  if (chosen.length > 0) return chosen;
  throw new UserError('invalid_input', `The evaluation "${task.name}" has no pairs to read.`, {
    hint: 'The run has no held-out pairs: name the samples.',
    place: { field: 'samples' },
  });
}

/** Names a set by its content and all that decides about its items. Errors: `not_found` for its files. */
export async function hashOf(
  workspace: Workspace,
  task: EvaluationTask,
  samples: SnapshotPair[][],
  judge: string,
): Promise<string> {
  const hash = createHash('sha256');
  const { kind } = task;
  if (kind === 'kl') {
    for (const pairs of samples)
      for (const { sha256 } of workspace.samples.ofPairs(pairs).turns) hash.update(`${sha256}\n`);
    return hash.digest('hex');
  }
  if (kind === 'ruler') {
    // The set is what the task generates: all of its settings, and the files it is made of.
    const { name: _name, documents, questions, ...settings } = task;
    hash.update(JSON.stringify(settings));
    for (const path of [...documents, ...(questions === null ? [] : [questions])]) await addContent(hash, path);
    return hash.digest('hex');
  }
  if (kind === 'multiple_choice') {
    hash.update(`${task.form} ${task.fewShot}\n`);
    if (task.examples !== null && task.fewShot > 0) await addContent(hash, task.examples);
  }
  if (kind === 'judged') {
    // Ratings of another judge are other figures.
    hash.update(`${task.form} ${judge}\n`);
    if (task.references !== null) await addContent(hash, task.references);
  }
  if (kind === 'published') {
    hash.update(`${task.form}\n`);
    if (task.examples !== null) await addContent(hash, task.examples);
  }
  await addContent(hash, task.path);
  return hash.digest('hex');
}

async function addContent(hash: Hash, path: string): Promise<void> {
  try {
    for await (const block of createReadStream(path) as AsyncIterable<Buffer>) hash.update(block);
  } catch (error) {
    throw asReadError(path, error);
  }
}

/** Tasks as they are asked: checked, with whole paths. Errors: `invalid_input` naming the field, and for none at all. */
export function wholeTasks(given: readonly EvaluationTaskInput[]): EvaluationTask[] {
  const tasks = given.map((task) => withWholePaths(parseInput(evaluationTaskSchema, task, 'Evaluation task')));
  if (tasks.length === 0) throw new UserError('invalid_input', 'There is nothing to evaluate: no task is given.');
  return tasks;
}

function withWholePaths(task: EvaluationTask): EvaluationTask {
  switch (task.kind) {
    case 'kl':
      return task;
    case 'ruler':
      return {
        ...task,
        documents: task.documents.map((path) => resolve(path)),
        questions: task.questions === null ? null : resolve(task.questions),
      };
    case 'multiple_choice':
    case 'published':
      return {
        ...{ ...task, path: resolve(task.path) },
        examples: task.examples === null ? null : resolve(task.examples),
      };
    case 'judged':
      return {
        ...{ ...task, path: resolve(task.path), judge: resolve(task.judge) },
        references: task.references === null ? null : resolve(task.references),
      };
    default:
      return { ...task, path: resolve(task.path) };
  }
}
