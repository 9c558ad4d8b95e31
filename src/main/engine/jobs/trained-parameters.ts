import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../../shared/errors.ts';
import type { Trainable } from '../../../shared/run-config.ts';
import type { ModelConfig } from '../model/config.ts';
import { readJsonFile } from '../model/json-file.ts';
import { fullLayout, loraLayout } from '../model/parameters.ts';
import type { ParameterLayout } from '../model/parameters.ts';
import { openSafetensors, readTensor } from '../model/safetensors.ts';

const stateSchema = z.looseObject({ identity: z.looseObject({ model: z.string() }) });

/** The layout of what a run trains. */
export function layoutOf(config: ModelConfig, trainable: Trainable): ParameterLayout {
  return trainable.kind === 'full' ? fullLayout(config) : loraLayout(config, trainable);
}

/**
 * The trained vector [layout.total] of a checkpoint.
 * @throws UserError conflict for a checkpoint of another model, invalid_input for a damaged one, not_found
 */
export async function readTrained(path: string, fingerprint: string, layout: ParameterLayout): Promise<Float32Array> {
  const stateFile = join(path, 'state.json');
  const { identity } = await readJsonFile(stateFile, stateSchema);
  if (identity.model !== fingerprint) {
    throw new UserError('conflict', `The checkpoint ${path} was made from another model.`, {
      hint: 'Name the folder of the model that the run was started with.',
      place: { file: stateFile, field: 'identity.model' },
    });
  }
  const file = await openSafetensors(join(path, 'trainable.safetensors'));
  const vector = new Float32Array(layout.total);
  for (const { name, shape, offset } of layout.tensors) {
    const found = file.tensors.get(name)?.shape.join();
    if (found !== shape.join()) {
      throw new UserError('invalid_input', `${file.path}: the tensor "${name}" is missing or has another shape.`, {
        hint: 'The checkpoint is damaged; choose another one.',
        place: { file: file.path, field: name },
      });
    }
    vector.set(await readTensor(file, name), offset);
  }
  return vector;
}
