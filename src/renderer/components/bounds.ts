import { z } from 'zod';

/** Bounds as they are typed; null = none. */
export const boundsSchema = z.strictObject({ min: z.number().nullable(), max: z.number().nullable() });
export type Bounds = z.infer<typeof boundsSchema>;

export const noBounds: Bounds = { min: null, max: null };

/** Whether bounds can hold for any number. */
export function inOrder({ min, max }: Bounds): boolean {
  return min === null || max === null || min <= max;
}

/** Bounds as main takes them; undefined where there are none, or none that can hold. */
export function rangeOf(bounds: Bounds): { min?: number; max?: number } | undefined {
  const { min, max } = bounds;
  if ((min === null && max === null) || !inOrder(bounds)) return undefined;
  return { ...(min === null ? {} : { min }), ...(max === null ? {} : { max }) };
}
