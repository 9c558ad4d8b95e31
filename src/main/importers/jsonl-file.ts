import { parse } from 'node:path';
import { UserError } from '../../shared/errors.ts';
import { readJsonLines } from '../files/json-lines.ts';
import { normaliseText } from './decode-text.ts';
import { cleanTitle } from './reader.ts';
import type { FoundDocument, ReadOptions, Source } from './reader.ts';

/**
 * Reads documents from a JSON Lines file: each line is an object whose field `textField` holds the text, or a plain
 * string. Title: the object's `title`, else its `id`, else file name and line.
 * Errors: `invalid_input` naming file and line for a line that is not JSON or holds no text.
 */
export async function* readJsonlFile({ path }: Source, { textField }: ReadOptions): AsyncGenerator<FoundDocument> {
  for await (const { line, value } of readJsonLines(path)) {
    const fallback = `${parse(path).name}:${line}`;
    if (typeof value === 'string') {
      yield { line, title: fallback, content: normaliseText(value) };
      continue;
    }
    const record = typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
    const text = record === undefined ? undefined : fieldOf(record, textField);
    if (record === undefined || typeof text !== 'string') throw noText(path, line, textField, record);
    const title = asTitle(fieldOf(record, 'title')) ?? asTitle(fieldOf(record, 'id')) ?? fallback;
    yield { line, title, content: normaliseText(text) };
  }
}

function fieldOf(record: object, field: string): unknown {
  return Object.hasOwn(record, field) ? (record as Record<string, unknown>)[field] : undefined;
}

/** A title or an id as a title, or undefined where it is none. */
export function asTitle(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  return typeof value === 'string' ? cleanTitle(value) : undefined;
}

function noText(path: string, line: number, field: string, record: object | undefined): UserError {
  const found = record === undefined ? '' : Object.keys(record).slice(0, 8).join(', ');
  const problem = record === undefined ? 'is neither an object nor a string' : `has no text in its field "${field}"`;
  return new UserError('invalid_input', `${path}, line ${line} ${problem}.`, {
    hint:
      found === ''
        ? `Each line must be a string or an object such as {"${field}": "..."}.`
        : `Its fields are ${found}; say which of them holds the text.`,
    place: { file: path, line, field },
  });
}
