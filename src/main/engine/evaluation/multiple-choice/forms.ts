import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { ChoiceForm } from '../../../../shared/evaluation-tasks.ts';

/**
 * One question as lm-evaluation-harness puts it. The score of a choice is the log-likelihood of its continuation after
 * its context; `choices` are measured for acc_norm.
 */
export interface ChoiceItem {
  readonly requests: readonly { readonly context: string; readonly continuation: string }[];
  readonly choices: readonly string[];
  readonly gold: number;
  /** The question with its right answer, as one of the worked examples. */
  readonly example: string;
  /** What stands once before everything. */
  readonly description: string;
  /** Worked examples come from rows of the same group (MMLU: the subject). */
  readonly group: string;
  readonly question: string;
}

const text = z.string();
const letterSchema = z
  .union([z.int(), z.string().regex(/^(?:\d+|[A-D])$/)])
  .transform((given) => (typeof given === 'string' && given >= 'A' ? 'ABCD'.indexOf(given) : Number(given)));

const mmluSchema = z
  .looseObject({ question: text, subject: text.default(''), choices: z.array(text).length(4), answer: letterSchema })
  .refine(({ answer, choices }) => answer < choices.length, { message: 'names no choice', path: ['answer'] });
const arcSchema = z
  .looseObject({
    question: text,
    choices: z.looseObject({ text: z.array(text).min(2), label: z.array(text) }),
    answerKey: text,
  })
  .refine(({ answerKey, choices }) => choices.label.includes(answerKey), {
    message: 'is none of the labels',
    path: ['answerKey'],
  });
const hellaswagSchema = z
  .looseObject({
    ...{ activity_label: text, ctx_a: text, ctx_b: text, endings: z.array(text).min(2) },
    label: z.coerce.number().pipe(z.int().min(0)),
  })
  .refine(({ label, endings }) => label < endings.length, { message: 'names no ending', path: ['label'] });
const winograndeSchema = z.looseObject({
  ...{ sentence: text.regex(/_/, 'has no gap (_)'), option1: text, option2: text },
  answer: z.enum(['1', '2']),
});

const LETTERS = ['A', 'B', 'C', 'D'];

/** A question whose choices follow one context. */
function ordinary(
  context: string,
  choices: readonly string[],
  gold: number,
  more: { description?: string; group?: string; question: string },
): ChoiceItem {
  return {
    ...{ choices, gold, description: '', group: '', ...more },
    requests: choices.map((choice) => ({ context, continuation: ` ${choice}` })),
    example: `${context} ${choices[gold] ?? ''}`,
  };
}

/** Reads a row of the published files: its schema and what it becomes (lm_eval/tasks/{mmlu,arc,hellaswag,winogrande}). */
export const choiceForms = {
  mmlu: mmluSchema.transform(({ question, subject, choices, answer }): ChoiceItem => {
    const options = choices.map((choice, i) => `${LETTERS[i] ?? ''}. ${choice}`).join('\n');
    return ordinary(`${question.trim()}\n${options}\nAnswer:`, LETTERS, answer, {
      group: subject,
      question,
      description:
        subject === ''
          ? ''
          : `The following are multiple choice questions (with answers) about ${subject.replaceAll('_', ' ')}.\n\n`,
    });
  }),
  arc: arcSchema.transform(({ question, choices, answerKey }) =>
    ordinary(`Question: ${question}\nAnswer:`, choices.text, choices.label.indexOf(answerKey), { question }),
  ),
  hellaswag: hellaswagSchema.transform(({ activity_label, ctx_a, ctx_b, endings, label }) => {
    const context = wikiHow(`${activity_label}: ${ctx_a} ${capitalised(ctx_b)}`);
    return ordinary(context, endings.map(wikiHow), label, { question: context });
  }),
  winogrande: winograndeSchema.transform(({ sentence, option1, option2, answer }): ChoiceItem => {
    // The options fill the gap, and the rest of the sentence is what is scored.
    const gap = sentence.indexOf('_');
    const choices = [option1, option2].map((option) => sentence.slice(0, gap) + option);
    const continuation = ` ${sentence.slice(gap + 1).trim()}`;
    const gold = Number(answer) - 1;
    return {
      ...{ choices, gold, description: '', group: '', question: sentence },
      requests: choices.map((context) => ({ context, continuation })),
      example: `${choices[gold] ?? ''}${continuation}`,
    };
  }),
} satisfies Readonly<Record<ChoiceForm, z.ZodType<ChoiceItem>>>;

/** HellaSwag's marks from WikiHow are taken out. */
function wikiHow(given: string): string {
  return given
    .trim()
    .replaceAll(' [title]', '. ')
    .replaceAll(/\[[^\n]*?\]/g, '')
    .replaceAll('  ', ' ');
}

/** Python's str.capitalize: the rest becomes small. */
function capitalised(given: string): string {
  return given.slice(0, 1).toUpperCase() + given.slice(1).toLowerCase();
}

/**
 * The worked examples of a question, as lm-evaluation-harness takes them in order (`sampler: first_n`): the first `count`
 * of its group. Only where they come from the question's own file, the question itself is none of them.
 */
export function examplesFor(
  item: ChoiceItem,
  pool: readonly ChoiceItem[],
  { count, ownFile }: { readonly count: number; readonly ownFile: boolean },
): ChoiceItem[] {
  const examples: ChoiceItem[] = [];
  for (const one of pool) {
    if (examples.length === count) break;
    if (one.group === item.group && !(ownFile && isDeepStrictEqual(one, item))) examples.push(one);
  }
  return examples;
}

/** What stands before a question. */
export function leadOf(item: ChoiceItem, examples: readonly ChoiceItem[]): string {
  return item.description + examples.map(({ example }) => `${example}\n\n`).join('');
}
