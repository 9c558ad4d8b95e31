import { resolve } from 'node:path';
import type { TaskEstimate, TaskSize, TaskTime } from '../../shared/api/evaluations.ts';
import type { EvaluationTask } from '../../shared/evaluation-tasks.ts';
import type { EarlierEffort } from '../../shared/evaluations.ts';
import type { BaseBits } from '../../shared/run-config.ts';
import type { Execution } from '../engine/protocol/jobs.ts';
import type { ServiceContext } from './context.ts';
import type { Workspace } from '../workspace/workspace.ts';
import type { EngineClient, JobOptions } from './engine-client.ts';
import { checkTask } from './evaluation-sets.ts';
import { hashOf, klSamples, sourceOf, storedRequestSchema, wholeTasks } from './evaluations.ts';
import type { EvaluationRequest, EvaluationSource } from './evaluations.ts';
import { machineOf } from './machine.ts';

/** Inputs of one length may be up to so many times as long as others for their time to say something: attention grows faster than length. */
const LENGTHS_ALIKE = 2;
/** The same of whole sets: a handful of items tells little of thousands, which are read in full batches. */
const SETS_ALIKE = 20;

/** Tasks whose tokens take alike long. */
function workOf(task: EvaluationTask): string {
  switch (task.kind) {
    case 'questions':
    case 'ask':
    case 'ruler':
    case 'published':
      return 'answers';
    case 'judged':
      return `judged by ${resolve(task.judge)}`;
    default:
      return task.kind;
  }
}

/** Tasks whose answers are alike long. */
function answersOf(task: EvaluationTask): string {
  switch (task.kind) {
    case 'ruler':
      return `ruler ${task.task}`;
    case 'published':
      return `published ${task.form} ${task.maxNewTokens}`;
    case 'questions':
    case 'ask':
    case 'judged':
      return `${task.kind} ${task.path} ${task.maxNewTokens}`;
    default:
      return task.kind;
  }
}

/**
 * Seconds of a task by what earlier evaluations of the model took. Reading a token and writing one take differently long,
 * and one measurement does not tell the two apart; but the time grows by at least the smaller and at most the larger of
 * the two ratios. Answers are expected to be as long as they were then, or of another task up to as long as is allowed.
 * Null: nothing alike was measured.
 */
export function timeBy(
  earlier: readonly EarlierEffort[],
  task: EvaluationTask,
  { items, read, written, tooLong }: TaskSize,
): TaskTime | null {
  if (items === null || read === null || written === null) return null;
  const asked = items - tooLong;
  const times = earlier.flatMap((before): (TaskTime & { readonly far: number })[] => {
    if (workOf(before.task) !== workOf(task) || before.items === 0 || asked <= 0 || before.read === 0) return [];
    const far = Math.abs(Math.log(read / before.read));
    const lengths = Math.abs(Math.log(read / asked / (before.read / before.items)));
    if (!(far <= Math.log(SETS_ALIKE) && lengths <= Math.log(LENGTHS_ALIKE))) return [];
    const asThen = Math.min(written, (before.written / before.items) * asked);
    const longest = answersOf(before.task) === answersOf(task) ? asThen : written;
    const writing = before.written === 0 ? [] : [asThen / before.written, longest / before.written];
    const ratios = [read / before.read, ...writing];
    const [low, high] = [Math.min(...ratios), Math.max(...ratios)];
    return [{ low: low * before.seconds, high: high * before.seconds, evaluationId: before.id, far }];
  });
  const [best] = times.sort(
    (a, b) => a.high / a.low - b.high / b.low || a.far - b.far || b.evaluationId - a.evaluationId,
  );
  return best === undefined ? null : { low: best.low, high: best.high, evaluationId: best.evaluationId };
}

/**
 * What tasks of known size take on a model, by the workspace's own earlier evaluations of it on this machine. The size of
 * a task on held-out pairs is that of an evaluation of the same pairs. Errors: `not_found` for a run without a checkpoint.
 */
export async function estimateTasks(
  context: ServiceContext,
  request: { readonly source: EvaluationSource; readonly execution?: Partial<Execution> },
  sized: readonly { readonly task: EvaluationTask; readonly size: TaskSize }[],
): Promise<TaskEstimate[]> {
  const { workspace } = context;
  const { modelDir, expected, config, runId } = sourceOf(context, request.source);
  const { device, threads, baseBits } = { ...config, ...request.execution };
  const fingerprint = expected ?? workspace.models.list().findLast(({ path }) => path === modelDir)?.fingerprint;
  const earlier =
    fingerprint === undefined ? [] : effortsOf(context, fingerprint, baseBits, await machineOf({ device, threads }));
  const estimates: TaskEstimate[] = [];
  for (const { task, size } of sized) {
    if (task.kind !== 'kl') {
      estimates.push({ size, time: timeBy(earlier, task, size) });
      continue;
    }
    const samples = klSamples(workspace, task, runId);
    const set = await hashOf(workspace, task, samples, '');
    const same = earlier.findLast((before) => before.task.kind === 'kl' && before.setSha256 === set);
    estimates.push({
      size: { ...size, items: samples.length, read: same?.read ?? null, written: 0 },
      time: same === undefined ? null : { low: same.seconds, high: same.seconds, evaluationId: same.id },
    });
  }
  return estimates;
}

/**
 * What an evaluation would take, before it is started; nothing is stored.
 * @param workspace null: there is none yet, and so no time is known
 * Errors: as `evaluate`, those of the tasks' files.
 */
export async function planEvaluation(
  { engine, workspace }: { readonly engine: EngineClient; readonly workspace: Workspace | null },
  request: EvaluationRequest,
  options: JobOptions = {},
): Promise<(TaskEstimate & { readonly task: EvaluationTask })[]> {
  const tasks = wholeTasks(request.tasks);
  const { source } = request;
  const context = workspace && { engine, workspace };
  const modelDir = context !== null ? sourceOf(context, source).modelDir : source.kind === 'run' ? '' : source.modelDir;
  const sized: { task: EvaluationTask; size: TaskSize }[] = [];
  for (const task of tasks) sized.push({ task, size: await checkTask({ engine }, modelDir, task, options) });
  const estimates = context !== null ? await estimateTasks(context, request, sized) : [];
  return sized.map(({ task, size }, i) => ({ task, ...(estimates[i] ?? { size, time: null }) }));
}

function effortsOf(
  { workspace }: Pick<ServiceContext, 'workspace'>,
  fingerprint: string,
  bits: BaseBits,
  machine: string,
): EarlierEffort[] {
  return workspace.evaluations.efforts(fingerprint, machine).flatMap(({ config, ...effort }) => {
    const { data } = storedRequestSchema.safeParse(config);
    return data === undefined || (data.execution.baseBits ?? 'own') !== bits ? [] : [{ ...effort, task: data.task }];
  });
}
