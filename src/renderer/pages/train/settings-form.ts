import { presets } from '../../../shared/presets.ts';
import type { PresetName } from '../../../shared/presets.ts';
import { fieldsOfObjective, objectiveOwn, objectives, runConfigSchema } from '../../../shared/run-config.ts';
import type { Objective, RunConfig, RunConfigInput } from '../../../shared/run-config.ts';
import { runConfigHelp } from '../../../shared/run-config-help.ts';
import { schemaFlags } from '../../../shared/schema-fields.ts';
import type { SchemaFlag } from '../../../shared/schema-fields.ts';

/** A setting of the form: what the command line's flag of the same field says. */
export interface FormField {
  readonly path: string;
  readonly label: string;
  readonly meaning: string;
  readonly flag: SchemaFlag;
}

export interface FieldGroup {
  readonly title: string;
  readonly fields: readonly FormField[];
}

/** What a person changed, by path: text as it was typed for numbers, else the value. */
export type Changes = Readonly<Record<string, unknown>>;

const words: Readonly<Record<string, string>> = { nll: 'NLL', rope: 'RoPE', rslora: 'rsLoRA', eps: 'epsilon' };

/** `learningRate` -> Learning rate, `optimizer.beta1` -> Optimizer beta1. */
export function labelOf(path: string): string {
  const parts = path.replace(/\.kind$/, '').split('.');
  const text = parts
    .flatMap((part) => part.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).split(' '))
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

/** Every field of a run configuration, grouped as in the command line's help. */
export const fieldGroups: readonly FieldGroup[] = (() => {
  const groups = new Map<string, FormField[]>();
  for (const flag of schemaFlags(runConfigSchema)) {
    const path = flag.path.join('.');
    const help = runConfigHelp[path];
    if (help === undefined) throw new Error(`the field ${path} has no help text`);
    const title = help.group.replace(/:$/, '');
    const meaning = `${help.text} (default ${help.default ?? shownValue(flag.default)})`;
    groups.set(title, [...(groups.get(title) ?? []), { path, label: labelOf(path), meaning, flag }]);
  }
  return [...groups].map(([title, fields]) => ({ title, fields }));
})();

/** Fields of which one is given and the other follows. */
const alternatives: Readonly<Record<string, string>> = {
  warmupRatio: 'warmupSteps',
  warmupSteps: 'warmupRatio',
  epochs: 'maxSteps',
  maxSteps: 'epochs',
};

/** What a person set for another objective means nothing to this one. */
const weightFields = ['beta', 'lambda', 'nllDocument', 'nllAnswers', ...Object.keys(objectiveOwn)];

/** Changes with one more. Of two alternatives the other one is emptied; another kind drops what belonged to the old. */
export function changed(before: Changes, path: string, value: unknown): Changes {
  const next: Record<string, unknown> = { ...before, [path]: value };
  const other = alternatives[path];
  if (other !== undefined && value !== '') next[other] = '';
  if (path.endsWith('.kind')) {
    const parent = path.slice(0, -'kind'.length);
    for (const key of Object.keys(next)) if (key.startsWith(parent) && key !== path) delete next[key];
  }
  if (path === 'objective') for (const field of weightFields) delete next[field];
  return next;
}

const numeric = new Map(
  fieldGroups.flatMap(({ fields }) => fields.filter(({ flag }) => ['number', 'integer'].includes(flag.kind))).map((field) => [field.path, field.flag]), // prettier-ignore
);

/** Typed text as a value: a number, null for nothing where that has a meaning, else the text (which the schema refuses). */
function valueOf(path: string, value: unknown): unknown {
  const flag = numeric.get(path);
  if (flag === undefined || typeof value !== 'string') return value;
  const text = value.trim();
  if (text === '') return flag.nullable ? null : undefined;
  return Number.isNaN(Number(text)) ? text : Number(text);
}

/** The configuration that the form stands for: the preset with the changes over it. */
export function formConfig(preset: PresetName, changes: Changes): RunConfigInput {
  const config: Record<string, unknown> = { ...presets[preset] };
  // Another objective brings its own weights.
  const objective = objectives.find((name) => name === changes['objective']);
  const before = config['objective'] as Objective; // every preset names one
  if (objective !== undefined && objective !== before) {
    for (const field of fieldsOfObjective(before, objective)) delete config[field];
  }
  const inOrder = Object.entries(changes).sort(([a], [b]) => Number(b.endsWith('.kind')) - Number(a.endsWith('.kind')));
  for (const [path, given] of inOrder) {
    const value = valueOf(path, given);
    const [first = '', second] = path.split('.');
    if (second === undefined) config[first] = value;
    else if (second === 'kind') {
      const below = config[first] as { readonly kind?: unknown } | undefined;
      if (below?.kind !== value) config[first] = { kind: value };
    } else config[first] = { ...(config[first] as object | undefined), [second]: value };
  }
  return config;
}

/** A configuration's value at a path; undefined where it has none. */
export function at(config: RunConfig, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (value, key) =>
        typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined,
      config,
    );
}

/** Whether a field means something in a configuration: an adapter's rank only for an adapter. */
export function applies(config: RunConfig, { flag, path }: FormField): boolean {
  if (flag.variant !== null) return at(config, [...flag.variant.path, 'kind'].join('.')) === flag.variant.kind;
  const owned = path.startsWith('optimizer.') || Object.hasOwn(objectiveOwn, path);
  return !owned || at(config, path) !== undefined;
}

/** What is wrong with the form, by path. */
export function problemsOf(config: RunConfigInput): ReadonlyMap<string, string> {
  const issues = runConfigSchema.safeParse(config).error?.issues ?? [];
  return new Map(
    issues.map((issue) => {
      const path = issue.path.join('.');
      const text =
        issue.code === 'invalid_type' && numeric.has(path) ? 'write a number, such as 0.1 or 1e-4' : issue.message;
      return [path, text];
    }),
  );
}
