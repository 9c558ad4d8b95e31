import { z } from 'zod';
import { UserError } from '../../../shared/errors.ts';
import { parseInput } from '../../../shared/parse.ts';
import { readJsonLines } from '../../files/json-lines.ts';

const itemSchema = z.looseObject({
  /** Empty for a closed-book question. */
  context: z.string().default(''),
  question: z.string().min(1),
  answer: z.string().min(1),
  /** The word of the answer that matters. */
  key: z.string().optional(),
  /** Place of the fact in the context, 0 = start, 1 = end. */
  depth: z.number().min(0).max(1).optional(),
});

/** One question of a set; further fields of its line are kept. */
export type QuestionItem = z.output<typeof itemSchema> & {
  /** The line it stands on, from 1. */
  readonly line: number;
};

/**
 * Reads a question set: JSON Lines of {context, question, answer, key?, depth?, ...}.
 * @throws UserError naming file, line and field; also for a file without any question
 */
export async function readQuestionSet(path: string): Promise<QuestionItem[]> {
  const items: QuestionItem[] = [];
  for await (const { line, value } of readJsonLines(path)) {
    items.push({ ...parseInput(itemSchema, value, `line ${line}`, path), line });
  }
  if (items.length === 0) {
    throw new UserError('invalid_input', `${path} holds no questions.`, {
      hint: 'A question set has one line for each question: {"context": "...", "question": "...", "answer": "..."}.',
      place: { file: path },
    });
  }
  return items;
}

/** The user message that asks a question: context, separator, question; without context the question alone. */
export function questionMessage(item: { context: string; question: string }, separator: string): string {
  return item.context === '' ? item.question : item.context + separator + item.question;
}
