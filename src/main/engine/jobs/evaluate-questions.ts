import type { EvaluationTask } from '../../../shared/evaluation-tasks.ts';
import { answerQuestions, scoreAnswers } from '../evaluation/question-scoring.ts';
import type { QuestionAnswer } from '../evaluation/question-scoring.ts';
import { readQuestionSet } from '../evaluation/question-set.ts';
import { z } from 'zod';
import type { NewEvaluationItem } from '../../../shared/evaluations.ts';
import { BATCH, figures, generatorOf } from './evaluated-model.ts';
import type { EvaluatedModel, TaskContext, TaskSummary } from './evaluated-model.ts';
import { paced } from './job-context.ts';

/** Answers a question set greedily; figures: accuracy, and by quarter of the context in which the fact stands. */
export async function questionTask(
  task: Extract<EvaluationTask, { kind: 'questions' }>,
  model: EvaluatedModel,
  { context, answered, store }: TaskContext,
): Promise<TaskSummary> {
  const { rule, separator, maxNewTokens, limit, name } = task;
  const items = (await readQuestionSet(task.path)).slice(0, limit ?? undefined);
  const answers = await answerQuestions(generatorOf(model), items, {
    ...{ rule, separator, maxNewTokens, batch: BATCH, signal: context.signal },
    onProgress: paced(context, name, 'questions'),
    known: new Map([...answered].map(([index, item]) => [index, answerOf(item)])),
    onAnswers: (batch) => store(batch.map(itemOf)),
  });
  const { accuracy, byDepth, tooLong } = scoreAnswers(items, answers);
  const summary: Record<string, number> = { ...figures('accuracy', accuracy), items: items.length, too_long: tooLong };
  for (const [quarter, estimate] of (byDepth ?? []).entries()) {
    Object.assign(summary, figures(`accuracy/quarter_${quarter + 1}`, estimate));
  }
  return summary;

  function itemOf({ index, answer, finish, correct, promptTokens }: QuestionAnswer): NewEvaluationItem {
    const { question = '', answer: expected = '', depth = null } = items[index] ?? {};
    const detail = { finish, promptTokens, depth };
    return { index, question, expected, answer, score: correct === true ? 1 : 0, detail };
  }
}

const detailSchema = z.object({ finish: z.enum(['stop', 'length', 'too_long']), promptTokens: z.number() });

/** A stored item as the answer that it was made of. */
function answerOf({ index, answer, score, detail }: NewEvaluationItem): QuestionAnswer {
  const { finish, promptTokens } = detailSchema.parse(detail);
  return { index, answer, finish, promptTokens, correct: finish === 'too_long' ? null : score === 1 };
}
