import { presets } from '../../shared/presets.ts';
import { keptUnder, runConfigSchema } from '../../shared/run-config.ts';
import type { RunConfig } from '../../shared/run-config.ts';
import { flagValues, layered, parseWithFlags } from './schema-flags.ts';
import type { SchemaFlag } from '../../shared/schema-fields.ts';

/** Names of the presets on the command line. */
export const presetNames = {
  paper: 'paper',
  'released-code': 'releasedCode',
  'small-model': 'smallModel',
  demo: 'demo',
} as const;
export type PresetFlag = keyof typeof presetNames;

/** Fields of which one is given and the other follows. */
const alternatives = [
  ['warmupRatio', 'warmupSteps'],
  ['epochs', 'maxSteps'],
] as const;

interface ConfigSources {
  readonly preset: PresetFlag | undefined;
  readonly file: { readonly path: string; readonly value: Record<string, unknown> } | undefined;
  readonly given: ReadonlyMap<SchemaFlag, unknown>;
}

/**
 * The configuration of a run: preset, then file, then flags, each over the one before. Of two alternatives (epochs or
 * maxSteps) a later layer's takes the other's place, and a later layer that changes the objective (or SoLoPO's reward) brings
 * that one's weights (unless it names them).
 * Errors: `invalid_input` naming flag, or field and file.
 */
export function trainConfig({ preset, file, given }: ConfigSources): RunConfig {
  const base: Record<string, unknown> = preset === undefined ? {} : { ...presets[presetNames[preset]] };
  const merged = over(over(base, file?.value ?? {}), flagValues(given));
  return parseWithFlags(runConfigSchema, merged, given, 'Run configuration', file?.path);
}

function over(base: Record<string, unknown>, top: Record<string, unknown>): Record<string, unknown> {
  const kept = { ...keptUnder(base, top) };
  const set = (field: string): boolean => top[field] !== undefined && top[field] !== null;
  for (const [one, other] of alternatives) {
    if (set(one)) delete kept[other];
    if (set(other)) delete kept[one];
  }
  return layered(kept, top);
}
