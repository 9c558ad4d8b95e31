import type { EvaluationTask } from '../../../shared/evaluation-tasks.ts';
import { askAboutContexts, harbourAnswers } from '../evaluation/ask-valid.ts';
import { readQuestionSet } from '../evaluation/question-set.ts';
import { BATCH, figures, generatorOf } from './evaluated-model.ts';
import type { EvaluatedModel, TaskContext, TaskResult } from './evaluated-model.ts';
import { paced } from './job-context.ts';

/** Lets the model ask about short texts; an item is right where the text answers the question (the demo's rule). */
export async function askTask(
  task: Extract<EvaluationTask, { kind: 'ask' }>,
  model: EvaluatedModel,
  { context }: TaskContext,
): Promise<TaskResult> {
  const { template, maxNewTokens, temperature, topP, seed, limit, name } = task;
  const contexts = (await readQuestionSet(task.path)).slice(0, limit ?? undefined).map((item) => item.context);
  const progress = paced(context, name, 'questions');
  const { share, questions } = await askAboutContexts(generatorOf(model), contexts, {
    ...{ template, maxNewTokens, temperature, topP, topK: 0, seed, batch: BATCH, signal: context.signal },
    isAnswered: harbourAnswers,
    onBatch: (done) => progress(done, contexts.length),
  });
  return {
    summary: { ...figures('share', share), items: questions.length },
    items: questions.map(({ index, output, finish, valid }) => ({
      index,
      question: `context ${index + 1}`,
      expected: '',
      answer: output,
      score: valid ? 1 : 0,
      detail: { finish },
    })),
  };
}
