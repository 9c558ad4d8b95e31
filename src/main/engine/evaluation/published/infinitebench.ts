import { z } from 'zod';
import type { PromptForm } from '../../../../shared/evaluation-tasks.ts';
import { infiniteChoiceRight, infiniteQaScore, infiniteSummaryScore } from '../metrics/infinitebench.ts';
import { definition, promptParts } from './item.ts';
import type { PublishedDefinition } from './item.ts';

/** A line of InfiniteBench's files. */
export const infiniteRowSchema = z.looseObject({
  ...{ context: z.string().min(1), input: z.string(), id: z.union([z.int(), z.string()]).optional() },
  answer: z
    .union([z.string().min(1), z.array(z.string()).min(1)])
    .transform((given) => (typeof given === 'string' ? [given] : given)),
});
export const infiniteChoiceSchema = infiniteRowSchema
  .extend({ options: z.array(z.string()).length(4) })
  .refine(({ answer, options }) => options.includes(answer[0] ?? ''), {
    message: 'is none of the options',
    path: ['answer'],
  });

/** Letter of the right option. */
export function rightLetter({ answer, options }: z.output<typeof infiniteChoiceSchema>): string {
  return 'ABCD'[options.indexOf(answer[0] ?? '')] ?? '';
}

const byForm = (chat: string, plain: string) => (form: PromptForm) => (form === 'chat' ? chat : plain);
const OPTIONS = 'A. {A}\nB. {B}\nC. {C}\nD. {D}';
// The prompts of GPT-4 for chats, those of YaRN-Mistral for plain text.
const templates = {
  summary: byForm('Summarize the following book.\n\n{context}', 'Summarize the book below.\n\n{context}\n\nSummary:'),
  qa: byForm(
    'Read the book below and answer a question.\n\n{context}\n\nQuestion: {question}\n\nBe very concise.',
    'Read the book and answer the question. Be very concise in your answer.\n\n{context}\n\nQuestion: {question}\nAnswer:',
  ),
  choice: byForm(
    `Read the book and answer the question.\n\n{context}\n\nQuestion: {question}\n\nOnly one of the following options is correct, tell me the answer using one single letter (A, B, C, or D). Don't say anything else.\n${OPTIONS}`,
    `Read the book and answer the question.\n\n{context}\n\nQuestion: {question}\n${OPTIONS}\n\nThe letter of the correct answer is`,
  ),
};
const shared = { prompt: 'chat', cut: 'middle' } as const;

/** InfiniteBench's English book tasks (arXiv 2402.13718; OpenBMB/InfiniteBench: src/prompt.py, src/eval_utils.py). */
export const infiniteBench = {
  'infinitebench/longbook_sum_eng': definition(infiniteRowSchema, {
    ...{ ...shared, maxNewTokens: 1200 },
    item: ({ context, answer }, form) => ({
      ...{ question: 'Summarise the book.', expected: answer[0] ?? '', groups: [] },
      prompt: promptParts(templates.summary(form), { context }),
      scores: (given) => ({ score: infiniteSummaryScore(given, answer) }),
    }),
  }),
  'infinitebench/longbook_qa_eng': definition(infiniteRowSchema, {
    ...{ ...shared, maxNewTokens: 40 },
    item: ({ context, input, answer }, form) => ({
      ...{ question: input, expected: answer.join(' | '), groups: [] },
      prompt: promptParts(templates.qa(form), { context, question: input }),
      scores: (given) => ({ score: infiniteQaScore(given, answer) }),
    }),
  }),
  'infinitebench/longbook_choice_eng': definition(infiniteChoiceSchema, {
    ...{ ...shared, maxNewTokens: 40 },
    item: (row, form) => {
      const [A = '', B = '', C = '', D = ''] = row.options;
      const label = [row.answer[0] ?? '', rightLetter(row)];
      return {
        ...{ question: row.input, expected: `${label[1] ?? ''}. ${label[0] ?? ''}`, groups: [] },
        prompt: promptParts(templates.choice(form), { context: row.context, question: row.input, A, B, C, D }),
        scores: (given) => ({ score: infiniteChoiceRight(given, label) ? 1 : 0 }),
      };
    },
  }),
} satisfies Readonly<Record<string, PublishedDefinition>>;
