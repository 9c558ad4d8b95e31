import type { EvaluationTask } from '../../../shared/evaluation-tasks.ts';
import { askAboutContexts, harbourAnswers } from '../evaluation/ask-valid.ts';
import { readQuestionSet } from '../evaluation/question-set.ts';
import { z } from 'zod';
import type { NewEvaluationItem } from '../../../shared/evaluations.ts';
import type { AskedQuestion } from '../evaluation/ask-valid.ts';
import { BATCH, figures, generatorOf } from './evaluated-model.ts';
import type { EvaluatedModel, TaskContext, TaskSummary } from './evaluated-model.ts';
import { paced } from './job-context.ts';

/** Lets the model ask about short texts; an item is right where the text answers the question (the demo's rule). */
export async function askTask(
  task: Extract<EvaluationTask, { kind: 'ask' }>,
  model: EvaluatedModel,
  { context, answered, store }: TaskContext,
): Promise<TaskSummary> {
  const { template, maxNewTokens, temperature, topP, seed, limit, name } = task;
  const contexts = (await readQuestionSet(task.path)).slice(0, limit ?? undefined).map((item) => item.context);
  const progress = paced(context, name, 'questions');
  const { share, questions } = await askAboutContexts(generatorOf(model), contexts, {
    ...{ template, maxNewTokens, temperature, topP, topK: 0, seed, batch: BATCH, signal: context.signal },
    isAnswered: harbourAnswers,
    onBatch: (done) => progress(done, contexts.length),
    known: new Map([...answered].map(([index, item]) => [index, questionOf(item)])),
    onQuestions: (batch) => store(batch.map(itemOf)),
  });
  return { ...figures('share', share), items: questions.length };
}

function itemOf({ index, output, finish, valid }: AskedQuestion): NewEvaluationItem {
  const question = `context ${index + 1}`;
  return { index, question, expected: '', answer: output, score: valid ? 1 : 0, detail: { finish } };
}

/** A stored item as the question that it was made of. */
function questionOf({ index, answer, score, detail }: NewEvaluationItem): AskedQuestion {
  const { finish } = z.object({ finish: z.enum(['stop', 'length']) }).parse(detail);
  return { index, output: answer, finish, valid: score === 1 };
}
