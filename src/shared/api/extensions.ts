import { z } from 'zod';
import { idSchema } from '../documents.ts';
import type { EvaluationRow } from '../evaluations.ts';
import type { ExtensionPlanInput, ExtensionRow, ExtensionStageRow } from '../extension-plan.ts';
import { pageRequestSchema } from '../paging.ts';
import type { Page } from '../paging.ts';
import type { RunRow } from '../runs.ts';
import { method } from './method.ts';

/** A plan as the user has it: checked by the plan's own schema, which names the field. */
const planInput = z.custom<ExtensionPlanInput>(
  (value) => typeof value === 'object' && value !== null,
  'must be an object',
);

/** A stage with what it has made. */
export interface ExtensionStageView extends ExtensionStageRow {
  readonly length: number;
  readonly ropeTheta: number | null;
  readonly run: Pick<RunRow, 'id' | 'name' | 'status' | 'lastStep'> | null;
  readonly evaluations: readonly Pick<EvaluationRow, 'id' | 'setName' | 'status' | 'summary'>[];
}

export interface ExtensionView extends Omit<ExtensionRow, 'plan' | 'stages'> {
  readonly modelDir: string;
  readonly stages: readonly ExtensionStageView[];
}

export const extensionMethods = {
  'extensions.list': method<Page<ExtensionView>>()(pageRequestSchema),
  'extensions.start': method<{ readonly jobId: number }>()(z.strictObject({ plan: planInput })),
  'extensions.resume': method<{ readonly jobId: number }>()(z.strictObject({ id: idSchema })),
  'extensions.cancel': method<null>()(z.strictObject({ id: idSchema })),
};
