import type { ModelConfig } from '../model/config.ts';
import { ropeFrequencies, ropeTables, type RopeTables } from '../model/rope.ts';
import type { RopeFor } from './example.ts';

/**
 * A model's rotary tables by number of positions. The last tables are kept and, unless the scaling depends on the
 * length, serve every shorter row as well.
 * @param theta replaces the base of the frequencies (the policy's `ropeTheta`); null = the model's own
 */
export function ropeForModel({ rope, headDim }: Pick<ModelConfig, 'rope' | 'headDim'>, theta: number | null): RopeFor {
  let tables: RopeTables | undefined;
  const fits = ({ length }: RopeTables, positions: number): boolean =>
    rope.type === 'dynamic' ? length === positions : length >= positions;
  return (positions) => {
    if (tables === undefined || !fits(tables, positions)) {
      const options = { length: positions, ...(theta === null ? {} : { theta }) };
      tables = ropeTables(ropeFrequencies(rope, headDim, options), positions);
    }
    return tables;
  };
}
