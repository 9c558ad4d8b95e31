import { z } from 'zod';
import type { PromptForm } from '../../../../shared/evaluation-tasks.ts';
import { longBenchScore, longBenchV2Choice } from '../metrics/longbench.ts';
import type { LongBenchMetric } from '../metrics/longbench.ts';
import { strip } from '../metrics/python-text.ts';
import { definition, promptParts } from './item.ts';
import type { PublishedDefinition } from './item.ts';

interface Task {
  readonly metric: LongBenchMetric;
  readonly maxNewTokens: number;
  readonly template: string;
  /** Left out: chat. The tasks that end in examples or code are put as plain text, also to chat models. */
  readonly prompt?: PromptForm;
  /** Only the first line of an answer counts. */
  readonly firstLine?: boolean;
}

const PASSAGES =
  'Answer the question based on the given passages. Only give me the answer and do not output any other words.\n\nThe following are given passages.\n{context}\n\nAnswer the question based on the given passages. Only give me the answer and do not output any other words.\n\nQuestion: {input}\nAnswer:';

/** The English and code tasks (THUDM/LongBench: LongBench/config/dataset2prompt.json, dataset2maxlen.json, pred.py). */
const tasks = {
  narrativeqa: {
    metric: 'qa_f1',
    maxNewTokens: 128,
    template:
      'You are given a story, which can be either a novel or a movie script, and a question. Answer the question asconcisely as you can, using a single phrase if possible. Do not provide any explanation.\n\nStory: {context}\n\nNow, answer the question based on the story asconcisely as you can, using a single phrase if possible. Do not provide any explanation.\n\nQuestion: {input}\n\nAnswer:',
  },
  qasper: {
    metric: 'qa_f1',
    maxNewTokens: 128,
    template:
      'You are given a scientific article and a question. Answer the question as concisely as you can, using a single phrase or sentence if possible. If the question cannot be answered based on the information in the article, write "unanswerable". If the question is a yes/no question, answer "yes", "no", or "unanswerable". Do not provide any explanation.\n\nArticle: {context}\n\n Answer the question based on the above article as concisely as you can, using a single phrase or sentence if possible. If the question cannot be answered based on the information in the article, write "unanswerable". If the question is a yes/no question, answer "yes", "no", or "unanswerable". Do not provide any explanation.\n\nQuestion: {input}\n\nAnswer:',
  },
  multifieldqa_en: {
    metric: 'qa_f1',
    maxNewTokens: 64,
    template:
      'Read the following text and answer briefly.\n\n{context}\n\nNow, answer the following question based on the above text, only give me the answer and do not output any other words.\n\nQuestion: {input}\nAnswer:',
  },
  hotpotqa: { metric: 'qa_f1', maxNewTokens: 32, template: PASSAGES },
  '2wikimqa': { metric: 'qa_f1', maxNewTokens: 32, template: PASSAGES },
  musique: { metric: 'qa_f1', maxNewTokens: 32, template: PASSAGES },
  gov_report: {
    metric: 'rouge_l',
    maxNewTokens: 512,
    template:
      'You are given a report by a government agency. Write a one-page summary of the report.\n\nReport:\n{context}\n\nNow, write a one-page summary of the report.\n\nSummary:',
  },
  qmsum: {
    metric: 'rouge_l',
    maxNewTokens: 512,
    template:
      'You are given a meeting transcript and a query containing a question or instruction. Answer the query in one or more sentences.\n\nTranscript:\n{context}\n\nNow, answer the query based on the above meeting transcript in one or more sentences.\n\nQuery: {input}\nAnswer:',
  },
  multi_news: {
    metric: 'rouge_l',
    maxNewTokens: 512,
    template:
      'You are given several news passages. Write a one-page summary of all news. \n\nNews:\n{context}\n\nNow, write a one-page summary of all the news.\n\nSummary:',
  },
  trec: {
    metric: 'classification',
    maxNewTokens: 64,
    prompt: 'plain',
    firstLine: true,
    template:
      'Please determine the type of the question below. Here are some examples of questions.\n\n{context}\n{input}',
  },
  triviaqa: {
    metric: 'qa_f1',
    maxNewTokens: 32,
    prompt: 'plain',
    firstLine: true,
    template:
      'Answer the question based on the given passage. Only give me the answer and do not output any other words. The following are some examples.\n\n{context}\n\n{input}',
  },
  samsum: {
    metric: 'rouge_l',
    maxNewTokens: 128,
    prompt: 'plain',
    firstLine: true,
    template:
      'Summarize the dialogue into a few short sentences. The following are some examples.\n\n{context}\n\n{input}',
  },
  passage_count: {
    metric: 'count',
    maxNewTokens: 32,
    template:
      'There are some paragraphs below sourced from Wikipedia. Some of them may be duplicates. Please carefully read these paragraphs and determine how many unique paragraphs there are after removing duplicates. In other words, how many non-repeating paragraphs are there in total?\n\n{context}\n\nPlease enter the final count of unique paragraphs after removing duplicates. The output format should only contain the number, such as 1, 2, 3, and so on.\n\nThe final answer is: ',
  },
  passage_retrieval_en: {
    metric: 'retrieval',
    maxNewTokens: 32,
    template:
      'Here are 30 paragraphs from Wikipedia, along with an abstract. Please determine which paragraph the abstract is from.\n\n{context}\n\nThe following is an abstract.\n\n{input}\n\nPlease enter the number of the paragraph that the abstract is from. The answer format must be like "Paragraph 1", "Paragraph 2", etc.\n\nThe answer is: ',
  },
  lcc: {
    metric: 'code_sim',
    maxNewTokens: 64,
    prompt: 'plain',
    template: 'Please complete the code given below. \n{context}Next line of code:\n',
  },
  'repobench-p': {
    metric: 'code_sim',
    maxNewTokens: 64,
    prompt: 'plain',
    template: 'Please complete the code given below. \n{context}{input}Next line of code:\n',
  },
} as const satisfies Readonly<Record<string, Task>>;
type TaskName = keyof typeof tasks;

/** A line of LongBench's or LongBench-E's files. */
function rowSchema(name: TaskName) {
  return z
    .looseObject({
      ...{ context: z.string().min(1), input: z.string(), answers: z.array(z.string()).min(1) },
      ...{ length: z.number().min(0).optional(), all_classes: z.array(z.string()).nullish() },
      dataset: z.enum([name, `${name}_e`], { error: `is not ${name}` }).optional(),
    })
    .refine(({ all_classes }) => tasks[name].metric !== 'classification' || all_classes, {
      ...{ message: 'is missing: these are the labels', path: ['all_classes'] },
    })
    .refine(
      ({ answers }) => tasks[name].metric !== 'retrieval' || answers.every((one) => /Paragraph \p{Nd}+/u.test(one)),
      { message: 'does not name a paragraph', path: ['answers'] },
    );
}

function longBenchTask(name: TaskName): PublishedDefinition {
  const { metric, maxNewTokens, template, prompt = 'chat', firstLine = false }: Task = tasks[name];
  return definition(rowSchema(name), {
    ...{ maxNewTokens, prompt, cut: 'middle' },
    item: ({ context, input, answers, length, all_classes }) => ({
      ...{ question: input, expected: answers.join(' | ') },
      // The groups of LongBench-E, by the number of words.
      groups: length === undefined ? [] : [length < 4000 ? '0-4k' : length < 8000 ? '4-8k' : '8k+'],
      prompt: promptParts(template, { context, input }),
      scores: (answer) => ({
        score: longBenchScore(metric, answer, answers, { classes: all_classes ?? [], firstLine }),
      }),
    }),
  });
}

const text = z.string().min(1);
const v2Schema = z.looseObject({
  ...{ context: text, question: text, choice_A: text, choice_B: text, choice_C: text, choice_D: text },
  ...{ answer: z.enum(['A', 'B', 'C', 'D']), difficulty: z.enum(['easy', 'hard']) },
  length: z.enum(['short', 'medium', 'long']),
});

const V2_TEMPLATE =
  'Please read the following text and answer the question below.\n\n<text>\n{context}\n</text>\n\nWhat is the correct answer to this question: {question}\nChoices:\n(A) {A}\n(B) {B}\n(C) {C}\n(D) {D}\n\nFormat your response as follows: "The correct answer is (insert answer here)".';

/** LongBench v2 without chain of thought (arXiv 2412.15204; THUDM/LongBench: pred.py, prompts/0shot.txt, result.py). */
const longBenchV2 = definition(v2Schema, {
  ...{ maxNewTokens: 128, prompt: 'chat', cut: 'middle' },
  item: (row) => ({
    ...{ question: row.question, expected: row.answer, groups: [row.difficulty, row.length] },
    prompt: promptParts(V2_TEMPLATE, {
      ...{ context: strip(row.context), question: strip(row.question) },
      ...{ A: strip(row.choice_A), B: strip(row.choice_B), C: strip(row.choice_C), D: strip(row.choice_D) },
    }),
    scores: (answer) => ({ score: longBenchV2Choice(answer) === row.answer ? 1 : 0 }),
  }),
});

/** LongBench (arXiv 2308.14508) without its Chinese tasks, which need a word segmenter, and LongBench v2. */
export const longBench = {
  ...(Object.fromEntries(
    (Object.keys(tasks) as TaskName[]).map((name) => [`longbench/${name}`, longBenchTask(name)]),
  ) as Record<`longbench/${TaskName}`, PublishedDefinition>),
  longbench_v2: longBenchV2,
};
