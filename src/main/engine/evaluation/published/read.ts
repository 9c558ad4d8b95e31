import { open } from 'node:fs/promises';
import { extname } from 'node:path';
import { UserError } from '../../../../shared/errors.ts';
import type { EvaluationTask, PromptForm } from '../../../../shared/evaluation-tasks.ts';
import type { PublishedFormName } from '../../../../shared/published-forms.ts';
import { readRows } from '../../../files/data-rows.ts';
import { readJsonArray } from '../../../files/json-array.ts';
import { asReadError } from '../../../files/json-lines.ts';
import { drawnExamples } from './drawn-examples.ts';
import { helmet } from './helmet.ts';
import { infiniteBench } from './infinitebench.ts';
import type { Example, PublishedDefinition, PublishedItem, PublishedRow } from './item.ts';
import { longBench } from './longbench.ts';

export type PublishedTask = Extract<EvaluationTask, { kind: 'published' }>;

export const publishedDefinitions: Readonly<Record<PublishedFormName, PublishedDefinition>> = {
  ...infiniteBench,
  ...longBench,
  ...helmet,
};

/** How the task's prompts are put to the model. */
export function promptFormOf({ form, prompt }: Pick<PublishedTask, 'form' | 'prompt'>): PromptForm {
  return prompt ?? publishedDefinitions[form].prompt;
}

/**
 * The items of a published file, one after the other: JSON Lines, a JSON list or Parquet; a long file is not read whole.
 * Errors: `not_found`; `invalid_input` naming file, line (or item or row) and field, also for a file without any item.
 */
export async function* readPublished(task: PublishedTask): AsyncGenerator<{ index: number; item: PublishedItem }> {
  const form = promptFormOf(task);
  const examples = await readExamples(task);
  let index = 0;
  for await (const row of readRowsOf(task.form, task.path)) {
    if (index === (task.limit ?? Infinity)) break;
    yield { index, item: row.item(form, examples === null || row.example === undefined ? '' : examples(row.example)) };
    index += 1;
  }
  if (index > 0) return;
  throw new UserError('invalid_input', `${task.path} holds no items.`, { place: { file: task.path } });
}

async function* readRowsOf(form: PublishedFormName, path: string): AsyncGenerator<PublishedRow> {
  for await (const { what, value } of publishedRows(path)) {
    const row = publishedDefinitions[form].row(value, what, path);
    if (row !== null) yield row;
  }
}

/** What makes the worked examples before an item; null where there are none. Errors: as `readPublished`. */
async function readExamples({ form, path, examples }: PublishedTask): Promise<((item: Example) => string) | null> {
  const { examples: wanted } = publishedDefinitions[form];
  const file = wanted?.from === 'set' ? path : examples;
  if (wanted === undefined || file === null) return null;
  const pool: Example[] = [];
  for await (const { example } of readRowsOf(form, file)) if (example !== undefined) pool.push(example);
  return (item) => drawnExamples(wanted, pool, item);
}

/** Rows of a file that its authors published, each with what it is called in an error. */
export async function* publishedRows(path: string): AsyncGenerator<{ what: string; value: unknown }> {
  if (extname(path) !== '.parquet' && (await firstSign(path)) === '[') {
    for await (const { item, value } of readJsonArray(path)) yield { what: `item ${item}`, value };
    return;
  }
  const what = extname(path) === '.parquet' ? 'row' : 'line';
  for await (const { row, value } of readRows(path)) yield { what: `${what} ${row}`, value };
}

/** The first character that is no white space, among the first kilobyte. */
async function firstSign(path: string): Promise<string | undefined> {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(1024), 0, 1024, 0);
      return buffer
        .toString('utf8', 0, bytesRead)
        .replace(/^\uFEFF/, '')
        .trimStart()[0];
    } finally {
      await file.close();
    }
  } catch (error) {
    throw asReadError(path, error);
  }
}
