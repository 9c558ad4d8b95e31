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
  const problem = issue.code === 'unrecognized_keys' ? 'there is no such field' : problemText(issue);
  throw new UserError(
    'invalid_input',
    `${file === undefined ? '' : `${file}: `}${what}${field === '' ? '' : `, field ${field}`}: ${problem}.`,
    { place: { ...(file === undefined ? {} : { file }), ...(field === '' ? {} : { field }) } },
  );
}

/** What is wrong with a value, for a person: zod's own wording of a bound and of a type speaks to programmers. */
export function problemText(issue: z.core.$ZodIssue): string {
  const { message } = issue;
  if (issue.code === 'too_small' && message.startsWith('Too small')) {
    return bound(issue.origin, issue.inclusive === false ? 'more than' : 'at least', issue.minimum);
  }
  if (issue.code === 'too_big' && message.startsWith('Too big')) {
    return bound(issue.origin, issue.inclusive === false ? 'less than' : 'at most', issue.maximum);
  }
  if (issue.code === 'invalid_type' && message.startsWith('Invalid input: expected')) {
    return message.endsWith('received undefined') ? 'is missing' : `must be ${names[issue.expected] ?? issue.expected}`;
  }
  return message;
}

const names: Readonly<Record<string, string>> = {
  ...{ number: 'a number', int: 'a whole number', string: 'a text', boolean: 'true or false' },
  ...{ array: 'a list', object: 'an object', record: 'an object' },
};

function bound(origin: string, how: string, limit: number | bigint): string {
  if (origin === 'string') return `must have ${how} ${limit} characters`;
  if (origin === 'array') return `must have ${how} ${limit} entries`;
  return `must be ${how} ${limit}`;
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
