import { z } from 'zod';
import { idSchema } from './documents.ts';

/** Which pairs are trained on or exported; archived pairs never are. */
export const pairSelectionSchema = z.strictObject({
  /** Only pairs of this generation; null = of all. */
  jobId: idSchema.nullable().default(null),
  /**
   * What the audit says: `corrected` puts right what reviewers put right (rejected better: the answers are exchanged;
   * both bad, broken instruction: left out), `not_refused` leaves out all three, `approved` takes only what a reviewer
   * found right (chosen better), `all` looks at no verdict. The whole table: audit/verdict-effects.ts.
   */
  review: z.enum(['corrected', 'not_refused', 'approved', 'all']).default('corrected'),
  /** Leave out pairs with any of these flags, such as `identical`. */
  withoutFlags: z.array(z.string().min(1)).default([]),
});
export type PairSelection = z.output<typeof pairSelectionSchema>;
export type PairSelectionInput = z.input<typeof pairSelectionSchema>;
