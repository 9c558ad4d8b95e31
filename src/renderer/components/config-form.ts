import type { z } from 'zod';
import { problemText } from '../../shared/parse.ts';
import { schemaFlags } from '../../shared/schema-fields.ts';
import type { FieldHelp, SchemaFlag } from '../../shared/schema-fields.ts';

/** A setting of a form: what the command line's flag of the same field says. */
export interface FormField {
  readonly path: string;
  readonly label: string;
  readonly meaning: string;
  readonly flag: SchemaFlag;
}

export interface FieldGroup {
  readonly title: string;
  /** What holds for all fields of the group. */
  readonly note: string;
  readonly fields: readonly FormField[];
}

/** What a person changed, by path: text as it was typed for numbers, else the value. */
export type Changes = Readonly<Record<string, unknown>>;

const words: Readonly<Record<string, string>> = {
  nll: 'NLL',
  rope: 'RoPE',
  rslora: 'rsLoRA',
  eps: 'epsilon',
};

/** `learningRate` -> Learning rate, `optimizer.beta1` -> Optimizer beta1. */
export function labelOf(path: string): string {
  const parts = path.replace(/\.kind$/, '').split('.');
  const text = parts
    .flatMap((part) =>
      part
        .replaceAll('_', ' ')
        .replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
        .split(' '),
    )
    .map((word) => words[word] ?? word)
    .join(' ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

/** A setting's value as a person reads it. */
export function shownValue(value: unknown): string {
  if (value === null || value === undefined) return 'none';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/**
 * Every field of a configuration that has a form, grouped as in the command line's help.
 * @param omit first keys that have a form of their own
 */
export function fieldGroupsOf(
  schema: z.ZodType,
  helps: Readonly<Record<string, FieldHelp>>,
  omit: readonly string[] = [],
): readonly FieldGroup[] {
  const groups = new Map<string, Omit<FormField, 'label'>[]>();
  for (const flag of schemaFlags(schema, omit)) {
    const path = flag.path.join('.');
    const help = helps[path];
    if (help === undefined) throw new Error(`the field ${path} has no help text`);
    const meaning = `${help.text} (default ${help.default ?? shownValue(flag.default)})`;
    groups.set(help.group, [...(groups.get(help.group) ?? []), { path, meaning, flag }]);
  }
  return [...groups].map(([group, fields]) => {
    const [, title = '', note = ''] = /^([^(:]*?) *(?:\((.*)\))?:?$/.exec(group) ?? [];
    // Where all fields lie below one key, the group's title says it.
    const below = new Set(fields.map(({ flag }) => (flag.path.length > 1 ? flag.path[0] : undefined)));
    const cut = below.size === 1 && !below.has(undefined) ? 1 : 0;
    const labelled = fields.map((field) => ({ ...field, label: labelOf(field.flag.path.slice(cut).join('.')) }));
    return { title, note, fields: labelled };
  });
}

/** The fields of these groups that are typed as numbers, by path. */
export function numericFields(groups: readonly FieldGroup[]): ReadonlyMap<string, SchemaFlag> {
  const fields = groups.flatMap(({ fields: some }) => some);
  return new Map(
    fields.filter(({ flag }) => ['number', 'integer'].includes(flag.kind)).map(({ path, flag }) => [path, flag]),
  );
}

/** Typed text as a value: a number, null for nothing where that has a meaning, else the text (which the schema refuses). */
export function typedValue(flag: SchemaFlag | undefined, value: unknown): unknown {
  if (flag === undefined || typeof value !== 'string') return value;
  const text = value.trim();
  if (text === '') return flag.nullable ? null : undefined;
  return Number.isNaN(Number(text)) ? text : Number(text);
}

/** A configuration's value at a path; undefined where it has none. */
export function at(config: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (value, key) =>
        typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined,
      config,
    );
}

/** What is wrong with a configuration, by path. */
export function schemaProblems(
  schema: z.ZodType,
  numeric: ReadonlyMap<string, SchemaFlag>,
  config: unknown,
): ReadonlyMap<string, string> {
  const issues = schema.safeParse(config).error?.issues ?? [];
  return new Map(
    issues.map((issue) => {
      const path = issue.path.join('.');
      const text =
        issue.code === 'invalid_type' && numeric.has(path) ? 'write a number, such as 0.1 or 1e-4' : problemText(issue);
      return [path, text];
    }),
  );
}
