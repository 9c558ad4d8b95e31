import type { EvaluationTask } from '../../../shared/evaluation-tasks.ts';
import { readQuestionSet } from '../evaluation/question-set.ts';
import { readRulerSources } from '../evaluation/ruler/items.ts';
import { loadModelConfig } from '../model/config.ts';
import { readAdapter } from '../model/peft.ts';
import { tensorsFingerprint, weightsFingerprint } from '../model/weights.ts';
import { checkedSet } from '../evaluation/published/checked-set.ts';
import type { CheckedSet, Keeping } from '../evaluation/published/checked-set.ts';
import type { EvaluateInput, TaskEffort } from '../protocol/jobs.ts';
import type { Program } from '../resident/resident-graph.ts';
import type { ResidentModel } from '../resident/resident-model.ts';
import { ropeForModel } from '../training/rope-for.ts';
import { plainLead } from '../evaluation/multiple-choice/plain-lead.ts';
import { askTask } from './evaluate-ask.ts';
import { choiceTask, readChoices } from './evaluate-choices.ts';
import { readJudged } from '../evaluation/judged/questions.ts';
import type { JudgedTask } from '../evaluation/judged/questions.ts';
import { waitsForJudge } from '../../../shared/evaluations.ts';
import { answerJudged, rateJudged } from './evaluate-judged.ts';
import { klTask } from './evaluate-kl.ts';
import { publishedTask } from './evaluate-published.ts';
import { rulerTask } from './evaluate-ruler.ts';
import { questionTask } from './evaluate-questions.ts';
import { readTexts, textTask } from './evaluate-text.ts';
import type { EvaluatedModel, TaskContext, TaskSummary } from './evaluated-model.ts';
import type { Job, JobContext } from './job-context.ts';
import { stopIfAborted } from './job-context.ts';
import { frozenName } from './model-holder.ts';
import { meteredRunner } from './metered-runner.ts';
import { loadModelText } from './model-text.ts';
import type { ModelRequest } from './model-holder.ts';
import { layoutOf, readTrained } from './trained-parameters.ts';

/** Published sets are kept from their check until they are asked, up to so many characters of all: 128 Mi. */
const KEPT_CHARACTERS = 2 ** 27;
/** Items of one message. */
const ITEMS = 200;
const PROGRAMS: Readonly<Record<EvaluationTask['kind'], readonly Program[]>> = {
  questions: ['generate'],
  ask: ['generate'],
  text: ['score'],
  kl: ['score', 'logProbabilities'],
  ruler: ['generate'],
  multiple_choice: ['score'],
  published: ['generate'],
  judged: ['generate'],
};

/** Runs each task on one model and reports its items and figures. Answers are judged at the end: one model is loaded at a time. */
export const evaluate: Job<'evaluate'> = async (input, context) => {
  const { tasks, modelDir } = input;
  context.progress({ phase: 'load', done: 0, total: 1, unit: 'models', etaSeconds: null });
  const model = await loadModel(input, programsOf(tasks), context);
  const keeping: Keeping = { left: KEPT_CHARACTERS };
  const sets: (CheckedSet | null)[] = [];
  for (const task of tasks) sets.push(await checkSet(task, keeping));
  const own = tasks.some((task) => task.kind === 'judged') ? await tensorsFingerprint(modelDir) : '';
  const selfJudged = tasks.map(async (task) =>
    task.kind === 'judged' ? (await tensorsFingerprint(task.judge)) === own : null,
  );
  await context.emit({ type: 'ready', selfJudged: await Promise.all(selfJudged) });
  const finished = async (index: number, summary: TaskSummary, effort: TaskEffort): Promise<void> =>
    void (await context.emit({ type: 'taskFinished', task: index, summary, effort }));
  const judged: {
    readonly task: JudgedTask;
    readonly index: number;
    readonly with: TaskContext;
    readonly answers: Answers;
    readonly effort: TaskEffort;
  }[] = [];
  let sample = 0;
  for (const [index, task] of tasks.entries()) {
    stopIfAborted(context.signal);
    const effort = effortSince(model);
    const count = input.samples[index] ?? 0;
    const answered = new Map((input.answered[index] ?? []).map((item) => [item.index, item]));
    const taskContext: TaskContext = {
      ...{ context, from: sample, count, config: input.config, answered },
      store: async (items) => {
        const fresh = items.filter((item) => !answered.has(item.index) || waitsForJudge(answered.get(item.index)));
        for (let at = 0; at < fresh.length; at += ITEMS) {
          await context.emit({ type: 'items', task: index, items: fresh.slice(at, at + ITEMS) });
        }
      },
    };
    sample += count;
    if (task.kind === 'judged') {
      judged.push({
        task,
        index,
        with: taskContext,
        answers: await answerJudged(task, model, taskContext),
        effort: effort(),
      });
      continue;
    }
    await finished(index, await runTask(task, sets[index] ?? null, model, taskContext), effort());
    sets[index] = null;
  }
  for (const { task, index, with: taskContext, answers, effort } of judged) {
    stopIfAborted(context.signal);
    const base = { weights: { kind: 'base' } as const, ropeTheta: null, modelDir: task.judge };
    const judge = await loadModel({ ...input, ...base }, ['generate'], context);
    const rating = effortSince(judge);
    const summary = await rateJudged(task, judge, answers, taskContext);
    await finished(index, summary, { ...effort, seconds: effort.seconds + rating().seconds });
  }
  return { tasks: tasks.length };
};

type Answers = Awaited<ReturnType<typeof answerJudged>>;

/** Measures from now on what a model takes. */
function effortSince({ meter }: Pick<EvaluatedModel, 'meter'>): () => TaskEffort {
  const started = performance.now();
  const { read, written } = meter;
  return () => ({
    ...{ seconds: (performance.now() - started) / 1000, read: meter.read - read, written: meter.written - written },
  });
}

/** Reads a task's set before anything is stored; a published one is kept, if it is not too long. */
async function checkSet(task: EvaluationTask, keeping: Keeping): Promise<CheckedSet | null> {
  if (task.kind === 'published') return checkedSet(task, keeping);
  if (task.kind === 'text') await readTexts(task);
  else if (task.kind === 'ruler') await readRulerSources(task);
  else if (task.kind === 'multiple_choice') await readChoices(task);
  else if (task.kind === 'judged') await readJudged(task);
  else if (task.kind === 'questions' || task.kind === 'ask') await readQuestionSet(task.path);
  return null;
}

function runTask(
  task: Exclude<EvaluationTask, JudgedTask>,
  set: CheckedSet | null,
  model: EvaluatedModel,
  context: TaskContext,
): Promise<TaskSummary> {
  switch (task.kind) {
    case 'questions':
      return questionTask(task, model, context);
    case 'ask':
      return askTask(task, model, context);
    case 'text':
      return textTask(task, model, context);
    case 'kl':
      return klTask(task, model, context);
    case 'ruler':
      return rulerTask(task, model, context);
    case 'multiple_choice':
      return choiceTask(task, model, context);
    case 'published':
      if (set === null) throw new Error(`the set of ${task.name} was not checked`);
      return publishedTask(task, set, model, context);
  }
}

function programsOf(tasks: readonly EvaluationTask[]): readonly Program[] {
  return [...new Set(tasks.flatMap((task) => PROGRAMS[task.kind]))];
}

async function loadModel(
  input: Pick<EvaluateInput, 'modelDir' | 'device' | 'threads' | 'ropeTheta' | 'baseBits' | 'weights'>,
  programs: readonly Program[],
  context: JobContext<'evaluate'>,
): Promise<EvaluatedModel> {
  const { modelDir, device, threads, ropeTheta, baseBits } = input;
  const config = await loadModelConfig(modelDir);
  const fingerprint = await weightsFingerprint(modelDir);
  const text = await loadModelText(modelDir);
  const load = (trainable: ModelRequest['trainable']): Promise<ResidentModel> =>
    context.models.get({
      ...{ modelDir, device, threads, programs, trainable },
      ...{ signal: context.signal, progress: context.progress },
      ...(baseBits === undefined ? {} : { baseBits }),
    });
  const { weights } = input;
  let runner: ResidentModel;
  let parameters: Float32Array;
  switch (weights.kind) {
    case 'base':
      runner = await load({ kind: 'frozen' });
      parameters = await runner.referenceParameters();
      break;
    case 'adapter': {
      const adapter = await readAdapter(weights.dir, config);
      runner = await load({ kind: 'layout', layout: adapter.layout });
      parameters = adapter.vector;
      break;
    }
    case 'checkpoint':
      parameters = await readTrained(weights.path, fingerprint, layoutOf(config, weights.trainable));
      runner = await load(weights.trainable);
  }
  const meter = { read: 0, written: 0 };
  return {
    ...{
      runner: meteredRunner(runner, meter),
      meter,
      text,
      parameters,
      fingerprint: frozenName(fingerprint, baseBits),
    },
    policyRope: ropeForModel(config, ropeTheta),
    plainLead: await plainLead(modelDir),
  };
}
