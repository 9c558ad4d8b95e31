import { z } from 'zod';
import { idSchema } from './documents.ts';

/** Which pairs are trained on or exported; archived pairs never are. */
export const pairSelectionSchema = z.strictObject({
  /** Only pairs of this generation; null = of all. */
  jobId: idSchema.nullable().default(null),
  /**
   * What the audit says: `all` looks at no verdict, `not_refused` leaves out what a reviewer found wrong (rejected
   * better, both bad, broken instruction), `approved` takes only what a reviewer found right (chosen better).
   */
  review: z.enum(['all', 'not_refused', 'approved']).default('not_refused'),
  /** Leave out pairs with any of these flags, such as `identical`. */
  withoutFlags: z.array(z.string().min(1)).default([]),
});
export type PairSelection = z.output<typeof pairSelectionSchema>;
export type PairSelectionInput = z.input<typeof pairSelectionSchema>;
