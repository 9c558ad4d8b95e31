import { z } from 'zod';
import { idSchema } from '../documents.ts';
import { newReviewSchema } from '../pairs.ts';
import type { PairState, ReviewRow } from '../pairs.ts';
import { method } from './method.ts';

/** Answered only once the review is durably stored. */
export interface ReviewAnswer {
  readonly id: number;
  readonly state: PairState;
}

export interface ReviewPace {
  /** The latest verdicts that it is taken from, and the time they took. */
  readonly reviews: number;
  readonly milliseconds: number;
}

export const reviewMethods = {
  'reviews.append': method<ReviewAnswer>()(newReviewSchema),
  'reviews.ofPair': method<readonly ReviewRow[]>()(z.strictObject({ pairId: idSchema })),
  'reviews.pace': method<ReviewPace>()(z.strictObject({ reviewer: z.string().min(1) })),
};
