import type { z } from 'zod';
import { UserError } from './errors.ts';

/**
 * Checks a value that came from outside against its schema and returns it with its defaults filled in.
 * `what` names the thing in the sentence ("run configuration"), `file` the file it was read from.
 * Errors: `invalid_input` that names the first wrong field.
 */
export function parseInput<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  what: string,
  file?: string,
): z.output<Schema> {
  const result = safeParse(schema, value, what, file);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  if (issue === undefined) throw new Error('a failed check has no issue');
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue.path;
  const field = path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`),
    '',
  );
  const problem = issue.code === 'unrecognized_keys' ? 'there is no such field' : issue.message;
  throw new UserError(
    'invalid_input',
    `${file === undefined ? '' : `${file}: `}${what}${field === '' ? '' : `, field ${field}`}: ${problem}.`,
    { place: { ...(file === undefined ? {} : { file }), ...(field === '' ? {} : { field }) } },
  );
}

/** A recursive schema follows a value as deep as it is nested, until the stack is full. */
function safeParse<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  what: string,
  file: string | undefined,
): z.ZodSafeParseResult<z.output<Schema>> {
  try {
    return schema.safeParse(value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UserError('invalid_input', `${file === undefined ? '' : `${file}: `}${what} is nested too deeply.`, {
      ...(file === undefined ? {} : { place: { file } }),
      cause: error,
    });
  }
}
