import type { Comparison, ComparisonRow } from '../../../shared/evaluation-tasks.ts';
import { bootstrapMean, pairedDifference } from './intervals.ts';
import type { BootstrapOptions } from './intervals.ts';

/** One model's values on the items of a set, in the same order for all models; null where an item has none. */
export interface ModelValues {
  readonly name: string;
  readonly values: readonly (number | null)[];
}

/**
 * Compares models on the same items: means, differences to the first model with paired bootstrap intervals, and the
 * items that flipped.
 * @param higherIsBetter false for losses
 */
export function compareModels(
  models: readonly ModelValues[],
  options: BootstrapOptions & { readonly higherIsBetter?: boolean } = {},
): Comparison {
  const [baseline] = models;
  if (baseline === undefined) return { rows: [], items: [] };
  const uneven = models.find((model) => model.values.length !== baseline.values.length);
  if (uneven !== undefined) throw new Error(`${uneven.name} and ${baseline.name} were not given the same items.`);
  const items = baseline.values.flatMap((_, i) =>
    models.every((model) => typeof model.values[i] === 'number') ? [i] : [],
  );
  const valuesOf = (model: ModelValues): number[] => items.map((i) => model.values[i] ?? NaN);
  const base = valuesOf(baseline);
  const sign = options.higherIsBetter === false ? -1 : 1;
  const rows = models.map((model): ComparisonRow => {
    const values = valuesOf(model);
    const gain = (k: number): number => sign * ((values[k] ?? NaN) - (base[k] ?? NaN));
    return {
      name: model.name,
      mean: bootstrapMean(values, options),
      difference: model === baseline ? null : pairedDifference(base, values, options),
      better: items.filter((_, k) => gain(k) > 0),
      worse: items.filter((_, k) => gain(k) < 0),
    };
  });
  return { rows, items };
}
