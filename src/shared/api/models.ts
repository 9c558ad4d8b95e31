import { z } from 'zod';
import type { ModelReport } from '../model-report.ts';
import { method } from './method.ts';

/** A model that the workspace knows; `missing` when its folder is gone. */
export interface KnownModel {
  readonly fingerprint: string;
  readonly name: string;
  readonly path: string;
  readonly missing: boolean;
  readonly report: ModelReport;
}

export const modelMethods = {
  'models.list': method<readonly KnownModel[]>()(z.strictObject({})),
  /** Looks at a folder; adds it to the workspace where the report has no problems. */
  'models.add': method<ModelReport>()(z.strictObject({ dir: z.string().trim().min(1, 'name a folder') })),
};
