import { z } from 'zod';
import { UserError } from '../../../../shared/errors.ts';
import type { EvaluationTask } from '../../../../shared/evaluation-tasks.ts';
import { parseInput } from '../../../../shared/parse.ts';
import { publishedRows } from '../published/read.ts';

export type JudgedTask = Extract<EvaluationTask, { kind: 'judged' }>;

/** An open question of one or two turns. */
export interface JudgedQuestion {
  readonly category: string;
  /** What the user says. */
  readonly turns: readonly string[];
  /** What the judge sees as the question; the same but for LongBench-Chat, whose judge does not see the long text. */
  readonly shown: readonly string[];
  /** Reference answers by turn; empty: none. */
  readonly references: readonly string[];
  readonly examples: readonly { readonly answer: string; readonly score: number }[];
}

const text = z.string().min(1);
const idSchema = z.union([z.int(), text]).transform(String);
const questionSchema = z.looseObject({ question_id: idSchema, category: text, turns: z.array(text).min(1).max(2) });
const referenceSchema = z.looseObject({
  question_id: idSchema,
  choices: z.array(z.looseObject({ turns: z.array(z.string()).min(1) })).min(1),
});
const caseSchema = z.looseObject({ idx: z.int().min(1), prompt: text, query: text, answer: text });
const examplesSchema = z.array(z.looseObject({ answer: z.string(), score: z.number() })).min(1);

/** Categories that MT-Bench judges by a reference answer. */
const BY_REFERENCE = ['math', 'reasoning', 'coding', 'arena-hard-200'];

/**
 * The questions of a task: MT-Bench's question.jsonl with its reference answers, or LongBench-Chat's test_cases.json with
 * few_shots.json. Errors: `not_found`; `invalid_input` naming file, line or item, and field.
 */
export async function readJudged(task: JudgedTask): Promise<JudgedQuestion[]> {
  const questions = task.form === 'mt_bench' ? await mtBench(task) : await longBenchChat(task);
  if (questions.length > 0) return questions;
  throw new UserError('invalid_input', `${task.path} holds no questions.`, { place: { file: task.path } });
}

/** The rows of a file, checked. */
async function read<Schema extends z.ZodType>(
  path: string,
  schema: Schema,
  limit = Infinity,
): Promise<z.output<Schema>[]> {
  const rows: z.output<Schema>[] = [];
  for await (const { what, value } of publishedRows(path)) {
    if (rows.length === limit) break;
    rows.push(parseInput(schema, value, what, path));
  }
  return rows;
}

async function mtBench({ path, references, limit }: JudgedTask): Promise<JudgedQuestion[]> {
  const rows = references === null ? [] : await read(references, referenceSchema);
  const byId = new Map(rows.map(({ question_id, choices }) => [question_id, choices[0]?.turns ?? []]));
  return (await read(path, questionSchema, limit ?? Infinity)).map(({ question_id, category, turns }) => {
    const given = BY_REFERENCE.includes(category) ? (byId.get(question_id) ?? []) : [];
    if (given.length > 0 && given.length < turns.length) {
      throw new UserError(
        'invalid_input',
        `${references}: question ${question_id} has ${turns.length} turns, but only ${given.length} reference answers.`,
        {
          place: { ...(references === null ? {} : { file: references }), field: 'choices' },
        },
      );
    }
    return { category, turns, shown: turns, references: given, examples: [] };
  });
}

async function longBenchChat({ path, references, limit }: JudgedTask): Promise<JudgedQuestion[]> {
  const rated = references === null ? null : await read(references, examplesSchema);
  return (await read(path, caseSchema, limit ?? Infinity)).map(({ idx, prompt, query, answer }) => {
    const examples = rated === null ? [] : rated[idx - 1];
    if (examples === undefined) {
      throw new UserError('invalid_input', `${references} has no rated answers for question ${idx}.`, {
        ...{ hint: 'Give the file that belongs to the questions.' },
        place: { ...(references === null ? {} : { file: references }) },
      });
    }
    return { category: 'long', turns: [prompt], shown: [query], references: [answer], examples };
  });
}
