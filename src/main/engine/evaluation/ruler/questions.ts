import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { UserError } from '../../../../shared/errors.ts';
import { parseInput } from '../../../../shared/parse.ts';
import { asReadError } from '../../../files/json-lines.ts';
import { shuffled } from '../../random.ts';
import { fill, rulerTemplates } from './definitions.ts';
import { sample } from './draw.ts';
import type { MakeItem } from './item.ts';

/** Questions over documents: indices into `documents` for what a question needs and what stands beside it. */
export interface QuestionFile {
  readonly documents: readonly string[];
  readonly questions: readonly {
    readonly query: string;
    readonly outputs: readonly string[];
    readonly context: readonly number[];
    readonly more: readonly number[];
  }[];
}

const squadSchema = z.looseObject({
  data: z.array(
    z.looseObject({
      paragraphs: z.array(
        z.looseObject({
          context: z.string(),
          qas: z.array(
            z.looseObject({
              question: z.string(),
              is_impossible: z.boolean().default(false),
              answers: z.array(z.looseObject({ text: z.string() })),
            }),
          ),
        }),
      ),
    }),
  ),
});
const hotpotSchema = z.array(
  z.looseObject({
    question: z.string(),
    answer: z.string(),
    context: z.array(z.tuple([z.string(), z.array(z.string())])),
  }),
);

/**
 * Reads the user's own question file in the form of SQuAD (qa_1) or HotpotQA (qa_2), as RULER does.
 * Errors: `not_found`; `invalid_input` naming file and field, also for a file without any question.
 */
export async function readQuestionFile(path: string, form: 'squad' | 'hotpot'): Promise<QuestionFile> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw asReadError(path, error);
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UserError('invalid_input', `${path} is not JSON.`, { place: { file: path }, cause: error });
  }
  const file = form === 'squad' ? fromSquad(value, path) : fromHotpot(value, path);
  if (file.questions.length > 0) return file;
  throw new UserError('invalid_input', `${path} holds no question that has an answer.`, { place: { file: path } });
}

function fromSquad(value: unknown, path: string): QuestionFile {
  const { data } = parseInput(squadSchema, value, 'SQuAD file', path);
  const { documents, indexOf } = index(data.flatMap(({ paragraphs }) => paragraphs.map(({ context }) => context)));
  const questions = data.flatMap(({ paragraphs }) => {
    const article = paragraphs.map(({ context }) => indexOf(context));
    return paragraphs.flatMap(({ context, qas }) =>
      qas
        .filter((question) => !question.is_impossible && question.answers.length > 0)
        .map((question) => ({
          query: question.question,
          outputs: question.answers.map((answer) => answer.text),
          context: [indexOf(context)],
          more: [...new Set(article)].filter((i) => i !== indexOf(context)),
        })),
    );
  });
  return { documents, questions };
}

function fromHotpot(value: unknown, path: string): QuestionFile {
  const data = parseInput(hotpotSchema, value, 'HotpotQA file', path);
  const textOf = ([title, sentences]: readonly [string, readonly string[]]): string =>
    `${title}\n${sentences.join('')}`;
  const { documents, indexOf } = index(data.flatMap(({ context }) => context.map(textOf)));
  return {
    documents,
    questions: data.map(({ question, answer, context }) => ({
      ...{ query: question, outputs: [answer], more: [] },
      context: context.map((entry) => indexOf(textOf(entry))),
    })),
  };
}

function index(texts: readonly string[]): { documents: string[]; indexOf: (text: string) => number } {
  const documents = [...new Set(texts)].sort();
  const places = new Map(documents.map((text, i) => [text, i]));
  return { documents, indexOf: (text) => places.get(text) ?? -1 };
}

/**
 * A question among documents (scripts/data/synthetic/qa.py): those that it needs, then others of the same article, then
 * any, shuffled; repeated where there are too few.
 * @param questionIndex which question, counted round
 */
export function questionTask({ documents, questions }: QuestionFile, questionIndex: number): MakeItem {
  const question = questions[questionIndex % questions.length];
  if (question === undefined) throw new Error('There are no questions.');
  const { context, more, query, outputs } = question;
  const near = new Set([...context, ...more]);
  const others = documents.flatMap((_, i) => (near.has(i) ? [] : [i]));
  return (size, random) => {
    let chosen: number[];
    if (size < documents.length) {
      const beside = Math.max(size - context.length, 0);
      chosen =
        beside > more.length
          ? [...context, ...more, ...sample(others, Math.min(beside - more.length, others.length), random)]
          : [...context, ...sample(more, beside, random)];
    } else {
      chosen = Array.from({ length: size }, (_, i) => i % documents.length);
    }
    const texts = shuffled(chosen, random).map((i, place) => ({
      needed: context.includes(i),
      text: `Document ${place + 1}:\n${documents[i] ?? ''}`,
    }));
    const { template, answerPrefix } = rulerTemplates.questions;
    const start = template.indexOf('{context}');
    const evidence: [number, number][] = [];
    let at = start;
    for (const { needed, text } of texts) {
      if (needed) evidence.push([at, at + text.length]);
      at += text.length + 2;
    }
    const joined = texts.map(({ text }) => text).join('\n\n');
    return { input: fill(template, { context: joined, query }), answerPrefix, outputs, query, evidence };
  };
}
