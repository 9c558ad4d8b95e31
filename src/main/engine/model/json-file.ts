import { readFile, stat } from 'node:fs/promises';
import type { z } from 'zod';
import { UserError } from '../../../shared/errors.ts';

/** Larger than the index of any sharded model; keeps a wrong file from filling the memory. */
const MAX_JSON_BYTES = 64 * 1024 * 1024;

/**
 * Reads a JSON file and checks it against a schema.
 * @throws UserError not_found or invalid_input that names the file and the first field at fault
 */
export async function readJsonFile<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  const raw = await readRawJson(path);
  return checkJson(path, raw, schema);
}

/** Like readJsonFile, but undefined where the file does not exist. */
export async function readOptionalJsonFile<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  try {
    return await readJsonFile(path, schema);
  } catch (error) {
    if (error instanceof UserError && error.code === 'not_found') return undefined;
    throw error;
  }
}

/** The schema's reading of a value that came from `path`, there under the key `parent`; errors as in readJsonFile. */
export function checkJson<T>(path: string, raw: unknown, schema: z.ZodType<T>, parent?: string): T {
  const result = schema.safeParse(raw);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = [...(parent === undefined ? [] : [parent]), ...(issue?.path ?? [])].map(String).join('.');
  const missing = field !== '' && valueAt(raw, issue?.path ?? []) === undefined;
  const problem = missing ? 'is missing' : `is not usable: ${issue?.message ?? 'unknown problem'}`;
  throw new UserError('invalid_input', `${path}: ${field === '' ? 'the content' : `"${field}"`} ${problem}.`, {
    hint: 'Check the file against the original model or adapter, or download it again.',
    place: field === '' ? { file: path } : { file: path, field },
  });
}

async function readRawJson(path: string): Promise<unknown> {
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > MAX_JSON_BYTES) {
      throw new UserError('invalid_input', `${path} is ${size} bytes, too large for a JSON file of a model.`, {
        hint: 'Choose the folder of a model in Hugging Face format.',
        place: { file: path },
      });
    }
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw fileError(path, error);
  }
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw new UserError('invalid_input', `${path} is not valid JSON: ${(cause as Error).message}.`, {
      hint: 'Download the file again; it may be cut off or edited by hand.',
      place: { file: path },
      cause,
    });
  }
}

/** A file system error on `path` in a person's words. */
export function fileError(path: string, cause: unknown): UserError {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new UserError('not_found', `${path} does not exist.`, {
      hint: 'Choose the folder that holds it, or download the missing file.',
      place: { file: path },
      cause,
    });
  }
  return new UserError('invalid_input', `${path} cannot be read: ${(cause as Error).message}.`, {
    hint: 'Check that it is a file and that you may read it.',
    place: { file: path },
    cause,
  });
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  let value = raw;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}
