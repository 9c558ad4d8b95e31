import type { InstructionTemplate } from '../../../shared/instruction-templates.ts';
import { synthesisConfigSchema, synthesisPresets } from '../../../shared/synthesis-config.ts';
import type { SynthesisConfig, SynthesisConfigInput } from '../../../shared/synthesis-config.ts';
import { synthesisConfigHelp } from '../../../shared/synthesis-config-help.ts';
import { fieldGroupsOf, numericFields, schemaProblems, typedValue } from '../../components/config-form.ts';
import type { Changes } from '../../components/config-form.ts';

export type SynthesisPreset = keyof typeof synthesisPresets;

/** Every setting of a generation but the template, grouped as in the command line's help. */
export const fieldGroups = fieldGroupsOf(synthesisConfigSchema, synthesisConfigHelp, ['template']);
const numeric = numericFields(fieldGroups);

/** A preset with every default filled in. */
export function presetConfig(preset: SynthesisPreset): SynthesisConfig {
  return synthesisConfigSchema.parse(synthesisPresets[preset]);
}

/** The settings that the form stands for: the preset with the changes over it, and the template. */
export function formSettings(
  preset: SynthesisPreset,
  changes: Changes,
  template: InstructionTemplate,
): SynthesisConfigInput {
  const config: Record<string, unknown> = { ...presetConfig(preset), template };
  for (const [path, given] of Object.entries(changes)) {
    const value = typedValue(numeric.get(path), given);
    const [first = '', second] = path.split('.');
    config[first] = second === undefined ? value : { ...(config[first] as object), [second]: value };
  }
  return config;
}

/** What is wrong with the form, by path; that of the template's parts begins with `template.`. */
export function problemsOf(settings: SynthesisConfigInput): ReadonlyMap<string, string> {
  return schemaProblems(synthesisConfigSchema, numeric, settings);
}
