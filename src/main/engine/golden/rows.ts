import { UserError } from '../../../shared/errors.ts';
import type { Targets, TreeTokens } from '../model/runner.ts';

/** A plain sequence as a tree without branches. */
export function plainRow(ids: ArrayLike<number>, positions?: ArrayLike<number>): TreeTokens {
  const row = { ids: Int32Array.from(ids), prefix: ids.length, first: 0, second: 0 };
  return positions === undefined ? row : { ...row, positions: Int32Array.from(positions) };
}

/** Every token of a plain sequence but the first, predicted from the one before. */
export function nextTokenTargets(ids: ArrayLike<number>): Targets {
  const target = Int32Array.from(ids).subarray(1);
  return { from: Int32Array.from(target, (_, i) => i), target };
}

/** @throws UserError naming the field of inputs.json that holds an id outside the vocabulary */
export function checkIds(field: string, ids: ArrayLike<number>, vocabulary: number): void {
  for (let i = 0; i < ids.length; i += 1) {
    const id = ids[i] as number;
    if (id < 0 || id >= vocabulary) {
      throw new UserError(
        'invalid_input',
        `inputs.json: "${field}" holds the token ${id}, the model has 0 to ${vocabulary - 1}.`,
        {
          hint: 'The case belongs to another model, or its file is damaged.',
          place: { field },
        },
      );
    }
  }
}

/** Index of the largest element; the first of equals. */
export function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i += 1) if ((values[i] as number) > (values[best] as number)) best = i;
  return best;
}
