import { z } from 'zod';
import type { EvaluationTask } from '../../../shared/evaluation-tasks.ts';
import { UserError } from '../../../shared/errors.ts';
import { parseInput } from '../../../shared/parse.ts';
import { readJsonLines } from '../../files/json-lines.ts';
import { meanNll, scoreTexts } from '../evaluation/text-nll.ts';
import { figures } from './evaluated-model.ts';
import type { EvaluatedModel, TaskContext, TaskResult } from './evaluated-model.ts';
import { paced } from './job-context.ts';
import { userLead } from './model-text.ts';

type TextTask = Extract<EvaluationTask, { kind: 'text' }>;

const lineSchema = z
  .looseObject({ text: z.string().min(1).optional(), context: z.string().min(1).optional() })
  .refine((line) => line.text !== undefined || line.context !== undefined, 'text or context is missing');

/** The texts of a task's file. */
export async function readTexts(task: TextTask): Promise<string[]> {
  const texts: string[] = [];
  for await (const { line, value } of readJsonLines(task.path)) {
    if (texts.length === (task.limit ?? Infinity)) break;
    const parsed = parseInput(lineSchema, value, `line ${line}`, task.path);
    texts.push(parsed.text ?? parsed.context ?? '');
  }
  if (texts.length === 0) {
    throw new UserError('invalid_input', `${task.path} holds no texts.`, { place: { file: task.path } });
  }
  return texts;
}

/** Mean NLL a token of plain texts, read where the text of a user message stands. */
export async function textTask(
  task: TextTask,
  { runner, text, parameters, policyRope }: EvaluatedModel,
  { context }: TaskContext,
): Promise<TaskResult> {
  const texts = await readTexts(task);
  const rows = texts.map((content) => text.codec.encode(content));
  const lead = userLead(text);
  const positions = runner.config.maxPositionEmbeddings;
  const maxTokens = Math.min(task.maxTokens ?? positions, positions);
  const longest = rows.reduce((most, row) => Math.max(most, row.length), 0) + lead.length;
  const progress = paced(context, task.name, 'texts');
  const results = await scoreTexts(runner, { parameters, rope: policyRope(Math.min(longest, maxTokens)) }, rows, {
    ...{ lead, maxTokens, signal: context.signal },
    onProgress: (done) => progress(done, rows.length),
  });
  const tokens = results.reduce((sum, result) => sum + result.tokens, 0);
  const cut = results.filter((result) => result.cut).length;
  return {
    summary: { ...figures('nll', meanNll(results)), items: results.length, tokens, cut },
    items: results.map((result, index) => ({
      index,
      question: `text ${index + 1}`,
      expected: '',
      answer: '',
      score: result.tokens === 0 ? 0 : result.sum / result.tokens,
      detail: { tokens: result.tokens, cut: result.cut },
    })),
  };
}
