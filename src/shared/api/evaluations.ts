import { z } from 'zod';
import { idSchema } from '../documents.ts';
import { evaluationTaskSchema } from '../evaluation-tasks.ts';
import type { Comparison, Estimate } from '../evaluation-tasks.ts';
import type { EvaluationItem, EvaluationRow, Judge } from '../evaluations.ts';
import { pageRequestSchema } from '../paging.ts';
import type { Page } from '../paging.ts';
import { method } from './method.ts';
import { baseBits } from '../run-config.ts';

const source = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('base'), modelDir: z.string().trim().min(1, 'choose a model') }),
  z.strictObject({
    kind: z.literal('adapter'),
    modelDir: z.string().trim().min(1, 'choose a model'),
    dir: z.string().trim().min(1, 'choose the adapter folder'),
  }),
  z.strictObject({ kind: z.literal('run'), runId: idSchema, checkpointId: idSchema.optional() }),
]);

/** An evaluation with whose weights it measured. */
export interface EvaluationView extends EvaluationRow {
  /** Step of the run's checkpoint. */
  readonly step: number | null;
  readonly source: 'base' | 'adapter' | 'run';
  /** Who rated the answers of kind `judged`; null for the other kinds. */
  readonly judge: Pick<Judge, 'name' | 'fingerprint'> | null;
  /** Judge and judged model have the same base weights; null where there is no judge. */
  readonly selfJudged: boolean | null;
  /** Mean rating, 1 to 10; null where there is none (yet). */
  readonly rating: Estimate | null;
}

/** A question set that comes with Longhand. */
export interface BuiltInSet {
  readonly name: string;
  readonly path: string;
  readonly items: number;
}

export const evaluationMethods = {
  'evaluations.list': method<Page<EvaluationView>>()(pageRequestSchema.extend({ runId: idSchema.optional() })),
  'evaluations.items': method<Page<EvaluationItem>>()(pageRequestSchema.extend({ id: idSchema })),
  'evaluations.builtIn': method<readonly BuiltInSet[]>()(z.strictObject({})),
  'evaluations.start': method<{ readonly jobId: number }>()(
    z.strictObject({
      source,
      tasks: z.array(evaluationTaskSchema).min(1, 'choose at least one task'),
      threads: z.int().min(0).default(0),
      /** Left out: what the run was trained on, else the model's own precision. */
      baseBits: z.enum(baseBits).optional(),
      device: z.enum(['cpu', 'cuda']).default('cpu'),
    }),
  ),
  /** Evaluations of one set, item by item, with the first as the baseline. */
  'evaluations.compare': method<Comparison>()(
    z.strictObject({ ids: z.array(idSchema).min(1).max(20), names: z.array(z.string()).optional() }),
  ),
};
