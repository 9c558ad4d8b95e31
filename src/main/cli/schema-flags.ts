import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import type { z } from 'zod';
import { UserError } from '../../shared/errors.ts';
import { parseInput, problemText } from '../../shared/parse.ts';
import type { FieldHelp, SchemaFlag } from '../../shared/schema-fields.ts';

/**
 * Adds a flag for every field; the help of each comes from `help` under its path (`optimizer.beta1`). A field without
 * help is a defect, so that a new one cannot be forgotten.
 */
export function addSchemaFlags(
  command: Command,
  flags: readonly SchemaFlag[],
  help: Readonly<Record<string, FieldHelp>>,
): void {
  for (const flag of flags) {
    const known = help[flag.path.join('.')];
    if (known === undefined) throw new Error(`the flag ${flag.name} has no help text`);
    const preset = known.default ?? shown(flag.default);
    const notes = [flag.kind === 'choice' || flag.kind === 'list' ? '' : flag.range, `default: ${preset}`];
    const meaning = [known.text, ...(known.onCommandLine === undefined ? [] : [known.onCommandLine])].join('; ');
    const text = `${meaning} (${notes.filter((note) => note !== '').join('; ')})`;
    const option = new Option(`${flag.name} <${placeholder(flag)}>`, text).argParser((given: string) => ({
      value: read(flag, given), // in an object: commander turns null into an empty text
    }));
    command.addOption(option.helpGroup(known.group));
  }
}

function placeholder(flag: SchemaFlag): string {
  const value =
    flag.kind === 'choice'
      ? flag.choices.join('|')
      : flag.kind === 'list'
        ? 'list'
        : flag.kind === 'boolean'
          ? 'yes|no'
          : flag.kind === 'integer'
            ? 'n'
            : 'x';
  return flag.nullable ? `${value}|none` : value;
}

function shown(value: unknown): string {
  if (value === null) return 'none';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.join(',');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A flag's text as a value of its field. Bounds are left to the schema. */
function read(flag: SchemaFlag, given: string): unknown {
  if (flag.nullable && given === 'none') return null;
  switch (flag.kind) {
    case 'choice':
      if (flag.choices.includes(given)) return given;
      throw new InvalidArgumentError(`It must be ${flag.choices.join(', ')}${flag.nullable ? ' or none' : ''}.`);
    case 'list': {
      const items = given.split(',').map((item) => item.trim());
      const wrong = items.find((item) => !flag.choices.includes(item));
      if (wrong === undefined) return items;
      throw new InvalidArgumentError(`"${wrong}" is none of ${flag.choices.join(', ')}.`);
    }
    case 'boolean':
      if (given === 'yes' || given === 'no') return given === 'yes';
      throw new InvalidArgumentError('It must be yes or no.');
    case 'integer':
    case 'number': {
      const value = Number(given);
      if (given.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number.');
      if (flag.kind === 'integer' && !Number.isInteger(value))
        throw new InvalidArgumentError('It must be a whole number.');
      return value;
    }
  }
}

/** The flags that were given, with their values. */
export function givenFlags(command: Command, flags: readonly SchemaFlag[]): ReadonlyMap<SchemaFlag, unknown> {
  return new Map(
    flags.flatMap((flag): [SchemaFlag, unknown][] => {
      const key = new Option(flag.name).attributeName();
      return command.getOptionValueSource(key) === 'cli'
        ? [[flag, (command.getOptionValue(key) as { readonly value: unknown }).value]]
        : [];
    }),
  );
}

type Json = Record<string, unknown>;

/** `top` over `base`, objects field by field; a union of another kind replaces the one below it. */
export function layered(base: Json, top: Json): Json {
  const result: Json = { ...base };
  for (const [key, value] of Object.entries(top)) {
    const below = result[key];
    const bothObjects = isObject(below) && isObject(value);
    const otherKind = bothObjects && value['kind'] !== undefined && value['kind'] !== below['kind'];
    result[key] = bothObjects && !otherKind ? layered(below, value) : value;
  }
  return result;
}

/** The given flags as an object of the schema's form. A member's flag chooses its member (`--lora-rank`: `lora`). */
export function flagValues(given: ReadonlyMap<SchemaFlag, unknown>): Json {
  let result: Json = {};
  for (const flag of given.keys()) {
    if (flag.variant !== null) result = layered(result, nested([...flag.variant.path, 'kind'], flag.variant.kind));
  }
  for (const [flag, value] of given) {
    const set = nested(flag.path, value);
    const kind =
      flag.path.at(-1) === 'kind' ? [...given.keys()].find((other) => conflicts(flag, value, other)) : undefined;
    if (kind !== undefined) {
      throw new UserError('invalid_input', `${kind.name} has no meaning with ${flag.name} ${shown(value)}.`, {
        hint: `Leave out one of the two; ${kind.name} belongs to ${flag.name} ${kind.variant?.kind ?? ''}.`,
        place: { field: kind.path.join('.') },
      });
    }
    result = layered(result, set);
  }
  return result;
}

function conflicts(flag: SchemaFlag, value: unknown, other: SchemaFlag): boolean {
  return (
    other.variant !== null &&
    other.variant.path.join('.') === flag.path.slice(0, -1).join('.') &&
    other.variant.kind !== value
  );
}

function nested(path: readonly string[], value: unknown): Json {
  const [key, ...rest] = path;
  if (key === undefined) throw new Error('an empty path');
  return { [key]: rest.length === 0 ? value : nested(rest, value) };
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Checks a configuration that was put together from a file and flags.
 * Errors: `invalid_input` naming the flag where the wrong value came from one, else the field (and the file).
 */
export function parseWithFlags<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  given: ReadonlyMap<SchemaFlag, unknown>,
  what: string,
  file?: string,
): z.output<Schema> {
  const issue = schema.safeParse(value).error?.issues[0];
  const path = issue?.path.join('.');
  const flag = path === undefined ? undefined : [...given.keys()].find((other) => other.path.join('.') === path);
  if (issue === undefined || flag === undefined) return parseInput(schema, value, what, file);
  throw new UserError('invalid_input', `${flag.name} ${shown(given.get(flag))}: ${problemText(issue)}.`, {
    place: { field: flag.path.join('.') },
  });
}
