import { createHash } from 'node:crypto';
import { z } from 'zod';
import { UserError } from '../../../shared/errors.ts';
import type { RunConfig } from '../../../shared/run-config.ts';
import type { TrainingExample } from './example.ts';

/** What a checkpoint belongs to. Continuing under another identity would not be the same run. */
export const checkpointIdentitySchema = z.strictObject({
  /** Fingerprint of the start model. */
  model: z.string(),
  /** SHA-256 over the training examples in their order. */
  data: z.string(),
  /** The configuration's fields that decide the result. */
  config: z.record(z.string(), z.json()),
});
export type CheckpointIdentity = z.infer<typeof checkpointIdentitySchema>;

/** Fields that say how and where a run is computed and what is kept, not what is computed. */
const EXECUTION_FIELDS = [
  'checkpointEvery',
  'keepCheckpoints',
  'evalEvery',
  'device',
  'threads',
  'gradientCheckpointing',
  'segmentLayers',
  'maxLength',
] as const satisfies readonly (keyof RunConfig)[];

/** The identity of a run. */
export function checkpointIdentity(
  model: string,
  config: RunConfig,
  examples: readonly TrainingExample[],
): CheckpointIdentity {
  const hash = createHash('sha256');
  for (const { id, tree } of examples) {
    const { ids, prefix, first, second } = tree.tokens;
    hash.update(`${JSON.stringify([id, prefix, first, second, tree.chosen, tree.rejected])}\n`).update(ids);
  }
  const fields = Object.entries(config).filter(
    ([key, value]) =>
      !(EXECUTION_FIELDS as readonly string[]).includes(key) &&
      // Older checkpoints do not have the field.
      !(key === 'baseBits' && value === 'own'),
  );
  return { model, data: hash.digest('hex'), config: z.record(z.string(), z.json()).parse(Object.fromEntries(fields)) };
}

/** @throws UserError conflict that names what differs, when `found` (in `path`) is not `wanted` */
export function requireSameIdentity(found: CheckpointIdentity, wanted: CheckpointIdentity, path: string): void {
  const conflict = (problem: string, field: string): UserError =>
    new UserError('conflict', `The checkpoint ${path} cannot be continued: ${problem}.`, {
      place: { file: path, field },
      hint: "Continue with the run's own model, data and configuration, or start a new run.",
    });
  if (found.model !== wanted.model) throw conflict('it was made from another model', 'model');
  for (const key of new Set([...Object.keys(wanted.config), ...Object.keys(found.config)])) {
    const [was, is] = [canonical(found.config[key]), canonical(wanted.config[key])];
    if (was !== is) throw conflict(`it was made with ${key} ${was}, this run has ${is}`, key);
  }
  if (found.data !== wanted.data) throw conflict('it was made from other training examples', 'data');
}

/** JSON with sorted keys, so that the order of fields does not matter. */
function canonical(value: unknown): string {
  const sorted = (_key: string, part: unknown): unknown =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part;
  return JSON.stringify(value, sorted) ?? 'not set';
}
