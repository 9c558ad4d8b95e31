import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { PromptForm } from '../../../../shared/evaluation-tasks.ts';
import { better, helmetParsed, helmetRecall, helmetScores } from '../metrics/helmet.ts';
import type { HelmetScores } from '../metrics/helmet.ts';
import { infiniteChoiceSchema, infiniteRowSchema, rightLetter } from './infinitebench.ts';
import { definition, promptParts } from './item.ts';
import type { Example, ExamplesDefinition, PublishedDefinition, PublishedItem } from './item.ts';

const text = z.string().min(1);
/** Gold answers as HELMET's files have them: one, several, or lists of them. */
const answersSchema = z
  .union([text, z.array(z.union([text, z.array(text)])).min(1)])
  .transform((given) => (typeof given === 'string' ? [given] : given.flat()))
  .refine((golds) => golds.length > 0, 'is empty');

const idSchema = z.union([z.int(), z.string()]).optional();
const ragSchema = z.looseObject({
  ...{ question: text, answers: answersSchema, id: idSchema },
  ctxs: z.array(z.looseObject({ title: z.string(), text: z.string() })),
  /** PopQA: how often the subject's page is read. */
  s_pop: z.number().optional(),
});
const keyValueSchema = z.looseObject({
  ...{ context: text, question: text, answer: answersSchema },
  demos: z.array(z.tuple([z.string(), z.string()])).default([]),
});
const rulerSchema = z
  .looseObject({
    ...{ context: text, query: text, type_needle_v: z.string().default('numbers') },
    ...{ answer: answersSchema.optional(), outputs: answersSchema.optional() },
  })
  .refine(({ answer, outputs }) => (answer ?? outputs) !== undefined, { message: 'is missing', path: ['answer'] });
const learnedSchema = z.looseObject({ context: text, question: text, answer: answersSchema });

/** Worked examples, as in HELMET's configurations. */
const SHOTS = 2;
/** Seed of HELMET's programs. */
const SEED = 42;

/** How passages are put before a question. */
const passagesOf = ({ ctxs }: z.output<typeof ragSchema>): string =>
  ctxs.map((one) => `Document (Title: ${one.title}): ${one.text}`).join('\n\n');

/** The examples before a story, which itself is left out of them. */
const storyExamples = {
  ...{ shots: SHOTS, from: 'set' },
  lead: (texts) => `For example:\n\n${texts.join('\n\n')}\n\nNow, read the following story:\n\n`,
} as const satisfies ExamplesDefinition;
const storyExample = (id: string, question: string, answer: string): Example => ({
  ...{ id, seed: SEED, mayDrawItself: false },
  text: `[story text]\nQuestion: ${question}\nAnswer: ${answer}`,
});
const optionLines = (options: readonly string[]): string =>
  options.map((option, i) => `${'ABCD'[i] ?? ''}. ${option}`).join('\n');

/**
 * A prompt in two parts: what the user says, and how the answer begins. As plain text both are the input, and the
 * beginning belongs to the output that is scored (HELMET: eval.py).
 */
function asked(
  form: PromptForm,
  { user, begins, gap = '\n' }: { readonly user: string; readonly begins: string; readonly gap?: string },
  fields: Readonly<Record<string, string>>,
): Pick<PublishedItem, 'prompt'> & { readonly output: (answer: string) => string } {
  if (form === 'chat') return { prompt: promptParts(user, fields), output: (answer) => answer };
  const begun = promptParts(`{context}${begins}`, { ...fields, context: '' }).after;
  return { prompt: promptParts(user + gap + begins, fields), output: (answer) => begun + answer };
}

/** The better of the whole output and of what stands after the prefix, figure by figure. */
function wholeOrParsed(output: string, golds: readonly string[], prefix: string): HelmetScores {
  return better(helmetScores(output, golds), helmetScores(helmetParsed(output, prefix), golds));
}

const withScore = (figures: HelmetScores, main: keyof HelmetScores) => ({ score: figures[main], ...figures });

const NEEDLE = {
  user: 'A special magic {type_needle_v} is hidden within the following text. Make sure to memorize it. I will quiz you about the {type_needle_v} afterwards.\n{context}\nWhat is the special magic {type_needle_v} for {query} mentioned in the provided text?',
  begins: 'The special magic {type_needle_v} for {query} mentioned in the provided text is',
};
const NEEDLES = {
  user: 'Some special magic {type_needle_v} are hidden within the following text. Make sure to memorize it. I will quiz you about the {type_needle_v} afterwards.\n{context}\nWhat are all the special magic {type_needle_v} for {query} mentioned in the provided text?',
  begins: 'The special magic {type_needle_v} for {query} mentioned in the provided text are',
};

function ruler(template: typeof NEEDLE, maxNewTokens: number): PublishedDefinition {
  return definition(rulerSchema, {
    ...{ maxNewTokens, prompt: 'plain', cut: 'context' },
    item: ({ context, query, type_needle_v, answer, outputs }, form) => {
      const golds = answer ?? outputs ?? [];
      const { prompt, output } = asked(form, template, { context, query, type_needle_v });
      return {
        ...{ question: query, expected: golds.join(', '), groups: [], prompt },
        scores: (given) => ({ score: helmetRecall(output(given), golds) }),
      };
    },
  });
}

/**
 * HELMET's sets that need neither a judge model nor a ranking (arXiv 2410.02694; princeton-nlp/HELMET: data.py, eval.py,
 * configs). Its configurations ask for a stop at the line feed (`stop_new_line`), but by a name that its program does not
 * read (`stop_newline`): answers go on.
 */
export const helmet = {
  'helmet/rag': definition(ragSchema, {
    ...{ maxNewTokens: 20, prompt: 'plain', cut: 'context' },
    examples: { shots: SHOTS, from: 'file', lead: (texts) => texts.map((one) => `${one}\n\n`).join('') },
    example: (row) => {
      const id = String(row.id ?? row.question);
      return {
        ...{ id, mayDrawItself: row.s_pop === undefined },
        text: `${passagesOf(row)}\n\nQuestion: ${row.question}\nAnswer: ${row.answers[0] ?? ''}`,
        seed: createHash('sha256').update(id).digest().readUInt32BE(28) & 0x7fffffff,
      };
    },
    // kilt_popqa_3: the questions of PopQA about what is read less than 10^3 times.
    asked: ({ s_pop }) => s_pop === undefined || Math.log10(s_pop) < 3,
    item: (row, form, lead) => {
      const { question, answers } = row;
      const user =
        'Use the given documents to write a concise and short answer to the question. Write your answer in the following format:\nAnswer: [answer]\n\n{lead}{context}\n\nQuestion: {question}';
      const fields = { context: passagesOf(row), lead, question };
      const { prompt, output } = asked(form, { user, begins: 'Answer:' }, fields);
      return {
        ...{ question, expected: answers.join(' | '), groups: [], prompt },
        scores: (given) => withScore(wholeOrParsed(output(given), answers, 'Answer:'), 'substring_exact_match'),
      };
    },
  }),
  'helmet/json_kv': definition(keyValueSchema, {
    ...{ maxNewTokens: 100, prompt: 'plain', cut: 'context' },
    item: ({ context, question, answer, demos }, form) => {
      const user =
        '{context}\n\nExtract the value corresponding to the specified key in the JSON object below.\n\n{demos}Key: {question}';
      const examples = demos
        .slice(0, SHOTS)
        .map(([key, value]) => `Key: ${key}\nCorresponding value: ${value}\n\n`)
        .join('');
      const fields = { context, question, demos: examples };
      const { prompt, output } = asked(form, { user, begins: 'Corresponding value:' }, fields);
      return {
        ...{ question, expected: answer.join(' | '), groups: [], prompt },
        scores: (given) =>
          withScore(wholeOrParsed(output(given), answer, 'corresponding value:'), 'substring_exact_match'),
      };
    },
  }),
  // 50 tokens, 100 for its longest answers: UUIDs among UUIDs, and four values of four keys.
  'helmet/ruler_niah': ruler(NEEDLE, 50),
  'helmet/ruler_niah_mk_3': ruler(NEEDLE, 100),
  'helmet/ruler_niah_mv': ruler(NEEDLES, 50),
  'helmet/ruler_niah_mq': ruler(NEEDLES, 100),
  'helmet/icl': definition(learnedSchema, {
    ...{ maxNewTokens: 20, prompt: 'plain', cut: 'context' },
    item: ({ context, question, answer }, form) => {
      const user =
        'Use the provided mapping from the text to label to assign a label to the text. Only output "label: {label}" and nothing else. \n\n{context}\n\n{question}';
      const { prompt, output } = asked(form, { user, begins: 'label:' }, { context, question });
      return {
        ...{ question, expected: answer.join(' | '), groups: [], prompt },
        scores: (given) => withScore(helmetScores(helmetParsed(output(given), 'label:'), answer), 'exact_match'),
      };
    },
  }),
  'helmet/qa': definition(infiniteRowSchema, {
    ...{ maxNewTokens: 10, prompt: 'chat', cut: 'context' },
    examples: storyExamples,
    example: ({ id, input, answer }, what) => storyExample(String(id ?? what), input, answer[0] ?? ''),
    item: ({ context, input, answer }, form, lead) => {
      const user =
        'You are given a story and a question. Answer the question as concisely as you can, using a single phrase if possible.\n\n{lead}{context}\n\nQuestion: {question}';
      const fields = { context, lead, question: input };
      const { prompt, output } = asked(form, { user, begins: 'Answer:', gap: '\n\n' }, fields);
      return {
        ...{ question: input, expected: answer.join(' | '), groups: [], prompt },
        scores: (given) => withScore(wholeOrParsed(output(given), answer, 'Answer:'), 'rougeL_f1'),
      };
    },
  }),
  'helmet/choice': definition(infiniteChoiceSchema, {
    ...{ maxNewTokens: 10, prompt: 'chat', cut: 'context' },
    examples: storyExamples,
    example: (row, what) =>
      storyExample(String(row.id ?? what), `${row.input}\nOptions:\n${optionLines(row.options)}`, rightLetter(row)),
    item: (row, form, lead) => {
      const user =
        "You are given a story and a question with multiple choices. Choose the best answer from the options provided. Only one of the following options is correct, output the answer using one single letter (A, B, C, or D). Don't say anything else.\n\n{lead}{context}\n\nQuestion: {question}\nOptions:\n{options}";
      const letter = rightLetter(row);
      const golds = [letter, `${letter}. ${row.answer[0] ?? ''}`] as const;
      const fields = { context: row.context, lead, question: row.input, options: optionLines(row.options) };
      const { prompt, output } = asked(form, { user, begins: 'Answer:', gap: '\n\n' }, fields);
      return {
        ...{ question: row.input, expected: golds[1], groups: [], prompt },
        scores: (given) => {
          const whole = output(given);
          const figures = wholeOrParsed(whole, golds, 'Answer:');
          // Only the option with its text counts as a part of the output, and then as an exact match too.
          const names = whole.toLowerCase().includes(golds[1].toLowerCase()) ? 1 : 0;
          return withScore(
            { ...figures, substring_exact_match: names, exact_match: Math.max(names, figures.exact_match) },
            'exact_match',
          );
        },
      };
    },
  }),
} satisfies Readonly<Record<string, PublishedDefinition>>;
