import { readFile } from 'node:fs/promises';
import { UserError } from '../../shared/errors.ts';
import { asReadError } from '../files/json-lines.ts';

/** Reads a JSON file that holds one object. Errors: `not_found`, `invalid_input`; both name the file. */
export async function readJsonObject(file: string): Promise<Record<string, unknown>> {
  const value = await readJson(file);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new UserError('invalid_input', `${file} must hold one JSON object.`, { place: { file } });
}

/** Reads a JSON file. Errors: `not_found`, `invalid_input`; both name the file. */
export async function readJson(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw asReadError(file, error);
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError('invalid_input', `${file} is no valid JSON: ${reason}.`, { place: { file }, cause: error });
  }
}
