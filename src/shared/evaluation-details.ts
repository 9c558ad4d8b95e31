import { z } from 'zod';
import { snapshotPairSchema } from './runs.ts';

/** What an item of multiple choice notes: numbers of the right option and of the two chosen ones, and what decided. */
export const choiceDetailSchema = z.object({
  gold: z.int(),
  /** By log-likelihood, and by log-likelihood over the option's number of characters. */
  acc: z.int(),
  accNorm: z.int(),
  /** Of each option, in nats; null where it is not finite. */
  logLikelihoods: z.array(z.number().nullable()),
});

/** What an answer of judged chat notes. */
export const judgedDetailSchema = z.object({
  ...{ category: z.string(), turn: z.int(), finish: z.enum(['stop', 'length', 'too_long']) },
  /** The judge has not seen it yet. */
  pending: z.boolean().optional(),
  /** 1 to 10; null: none could be read. */
  rating: z.number().nullable().default(null),
  judgement: z.string().default(''),
  /** The judge was asked once more. */
  retried: z.boolean().default(false),
});

/** What an item on held-out pairs notes. */
export const klDetailSchema = z.object({
  /** Held-out metrics by name (`eval_kl/exact/chosen`, ...). */
  values: z.record(z.string(), z.number()),
  /** Of the packed pair. */
  tokens: z.int(),
  /** What it was made of, turn by turn; not of evaluations of early versions. */
  pairs: z.array(snapshotPairSchema).optional(),
});
