import { z } from 'zod';

/**
 * How answers are shown: null = chosen first and named; else shuffled by this seed and one that the workspace keeps to
 * itself, and nothing says which is which.
 */
export const blindSchema = z.strictObject({ seed: z.int().min(0).max(0xffffffff) }).nullable();
export type Blind = z.output<typeof blindSchema>;
