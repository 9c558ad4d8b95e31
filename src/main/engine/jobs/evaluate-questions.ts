import type { EvaluationTask } from '../../../shared/evaluation-tasks.ts';
import { answerQuestions, scoreAnswers } from '../evaluation/question-scoring.ts';
import { readQuestionSet } from '../evaluation/question-set.ts';
import { BATCH, figures, generatorOf } from './evaluated-model.ts';
import type { EvaluatedModel, TaskContext, TaskResult } from './evaluated-model.ts';
import { paced } from './job-context.ts';

/** Answers a question set greedily; figures: accuracy, and by quarter of the context in which the fact stands. */
export async function questionTask(
  task: Extract<EvaluationTask, { kind: 'questions' }>,
  model: EvaluatedModel,
  { context }: TaskContext,
): Promise<TaskResult> {
  const { rule, separator, maxNewTokens, limit, name } = task;
  const items = (await readQuestionSet(task.path)).slice(0, limit ?? undefined);
  const answers = await answerQuestions(generatorOf(model), items, {
    ...{ rule, separator, maxNewTokens, batch: BATCH, signal: context.signal },
    onProgress: paced(context, name, 'questions'),
  });
  const { accuracy, byDepth, tooLong } = scoreAnswers(items, answers);
  const summary: Record<string, number> = { ...figures('accuracy', accuracy), items: items.length, too_long: tooLong };
  for (const [quarter, estimate] of (byDepth ?? []).entries()) {
    Object.assign(summary, figures(`accuracy/quarter_${quarter + 1}`, estimate));
  }
  return {
    summary,
    items: answers.map(({ index, answer, finish, correct, promptTokens }) => ({
      index,
      question: items[index]?.question ?? '',
      expected: items[index]?.answer ?? '',
      answer,
      score: correct === true ? 1 : 0,
      detail: { finish, promptTokens, depth: items[index]?.depth ?? null },
    })),
  };
}
