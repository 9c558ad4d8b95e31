import { z } from 'zod';
import { idSchema } from '../documents.ts';
import { pairSelectionSchema } from '../pair-selection.ts';
import { method } from './method.ts';

const target = z.string().trim().min(1, 'name a folder that does not exist yet');

export const exportMethods = {
  'exports.adapter': method<{ readonly jobId: number }>()(
    z.strictObject({ runId: idSchema, checkpointId: idSchema.optional(), dir: target }),
  ),
  'exports.merged': method<{ readonly jobId: number }>()(
    z.strictObject({
      runId: idSchema,
      checkpointId: idSchema.optional(),
      dir: target,
      scale: z.number().default(1),
      dtype: z.enum(['keep', 'float32', 'bfloat16', 'float16']).default('keep'),
    }),
  ),
  'exports.pairs': method<{ readonly jobId: number }>()(
    z.strictObject({
      path: z.string().trim().min(1, 'name a file'),
      selection: pairSelectionSchema.prefault({}),
      singleTurns: z.boolean().default(false),
      shortPrompts: z.boolean().default(false),
      provenance: z.boolean().default(false),
    }),
  ),
};
