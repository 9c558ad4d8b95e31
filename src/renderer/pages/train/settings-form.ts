import { presets } from '../../../shared/presets.ts';
import type { PresetName } from '../../../shared/presets.ts';
import { keptUnder, objectiveOwn, runConfigSchema } from '../../../shared/run-config.ts';
import type { RunConfig, RunConfigInput } from '../../../shared/run-config.ts';
import { runConfigHelp } from '../../../shared/run-config-help.ts';
import { at, fieldGroupsOf, numericFields, schemaProblems, typedValue } from '../../components/config-form.ts';
import type { Changes, FieldGroup, FormField } from '../../components/config-form.ts';

/** Every field of a run configuration, grouped as in the command line's help. */
export const fieldGroups: readonly FieldGroup[] = fieldGroupsOf(runConfigSchema, runConfigHelp);
const numeric = numericFields(fieldGroups);

/** Fields of which one is given and the other follows. */
const alternatives: Readonly<Record<string, string>> = {
  warmupRatio: 'warmupSteps',
  warmupSteps: 'warmupRatio',
  epochs: 'maxSteps',
  maxSteps: 'epochs',
};

/** What a person set for another objective, or another reward, means nothing to this one. */
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
  if (path === 'objective' || path === 'reward') {
    for (const field of weightFields) if (field !== path) delete next[field];
  }
  return next;
}

/** The configuration that the form stands for: the preset with the changes over it. */
export function formConfig(preset: PresetName, changes: Changes): RunConfigInput {
  return configWith(presets[preset], changes);
}

/** A configuration with what a person changed over it. */
export function configWith(base: RunConfigInput, changes: Changes): RunConfigInput {
  const config: Record<string, unknown> = { ...keptUnder(base, changes) };
  const inOrder = Object.entries(changes).sort(([a], [b]) => Number(b.endsWith('.kind')) - Number(a.endsWith('.kind')));
  for (const [path, given] of inOrder) {
    const value = typedValue(numeric.get(path), given);
    const [first = '', second] = path.split('.');
    if (second === undefined) config[first] = value;
    else if (second === 'kind') {
      const below = config[first] as { readonly kind?: unknown } | undefined;
      if (below?.kind !== value) config[first] = { kind: value };
    } else config[first] = { ...(config[first] as object | undefined), [second]: value };
  }
  return config;
}

/** Whether a field means something in a configuration: an adapter's rank only for an adapter. */
export function applies(config: RunConfig, { flag, path }: FormField): boolean {
  if (flag.variant !== null) return at(config, [...flag.variant.path, 'kind'].join('.')) === flag.variant.kind;
  const owned = path.startsWith('optimizer.') || Object.hasOwn(objectiveOwn, path);
  return !owned || at(config, path) !== undefined;
}

/** The settings in which a configuration differs from another one, whole first keys. */
export function differences(config: RunConfig, from: RunConfig): RunConfigInput {
  const other: Readonly<Record<string, unknown>> = from;
  return Object.fromEntries(
    Object.entries(config).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(other[key])),
  );
}

/** What is wrong with the form, by path. */
export function problemsOf(config: RunConfigInput): ReadonlyMap<string, string> {
  return schemaProblems(runConfigSchema, numeric, config);
}
