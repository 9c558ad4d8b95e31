import { z } from 'zod';
import type { EvaluationTask } from '../../../shared/evaluation-tasks.ts';
import { UserError } from '../../../shared/errors.ts';
import { parseInput } from '../../../shared/parse.ts';
import { readJsonLines } from '../../files/json-lines.ts';
import { meanNll, perplexity, scoreTexts } from '../evaluation/text-nll.ts';
import type { TextNll } from '../evaluation/text-nll.ts';
import type { NewEvaluationItem } from '../../../shared/evaluations.ts';
import { figures } from './evaluated-model.ts';
import type { EvaluatedModel, TaskContext, TaskSummary } from './evaluated-model.ts';
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
  { context, answered, store }: TaskContext,
): Promise<TaskSummary> {
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
    known: new Map([...answered].map(([index, { detail }]) => [index, detailSchema.parse(detail)])),
    onResult: (index, result) => store([itemOf(index, result)]),
  });
  const tokens = results.reduce((sum, result) => sum + result.tokens, 0);
  const cut = results.filter((result) => result.cut).length;
  const nll = meanNll(results);
  return {
    ...figures('nll', nll),
    ...figures('perplexity', perplexity(nll)),
    ...{ items: results.length, tokens, cut },
  };
}

const detailSchema = z.object({ sum: z.number(), tokens: z.number(), cut: z.boolean() });

function itemOf(index: number, { sum, tokens, cut }: TextNll): NewEvaluationItem {
  const score = tokens === 0 ? 0 : sum / tokens;
  return { index, question: `text ${index + 1}`, expected: '', answer: '', score, detail: { sum, tokens, cut } };
}
