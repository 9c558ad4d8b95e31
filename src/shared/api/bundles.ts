import { z } from 'zod';
import { exportBundleSchema, exportVerdictsSchema, importVerdictsSchema } from '../audit/bundle-requests.ts';
import type { ImportConflict, ImportReport, OpenedBundleInfo } from '../audit/bundle-requests.ts';
import { auditFilterSchema } from '../audit/queue.ts';
import { pageRequestSchema } from '../paging.ts';
import type { Page } from '../paging.ts';
import { method } from './method.ts';

type Started = { readonly jobId: number };

/** Result of a `importVerdicts` job; its conflicts are asked for a page at a time. */
export type ImportSummary = Omit<ImportReport, 'conflicts'>;

export const bundleMethods = {
  /** Pairs that fit a filter, before a bundle of them is made. */
  'bundles.fits': method<{ readonly pairs: number }>()(z.strictObject({ filter: auditFilterSchema })),
  /** Job result: `ExportedBundle`. */
  'bundles.export': method<Started>()(exportBundleSchema),
  /** Makes an annotator's workspace; it is not opened here. Needs no open workspace. Job result: `OpenedBundleReport`. */
  'bundles.open': method<Started>()(
    z.strictObject({
      path: z.string().trim().min(1, 'name a file'),
      folder: z.string().trim().min(1, 'name a folder'),
    }),
  ),
  /** The bundle that the open workspace was made from; null = none. */
  'bundles.current': method<OpenedBundleInfo | null>()(z.strictObject({})),
  /** Job result: `ExportedVerdicts`. */
  'bundles.exportVerdicts': method<Started>()(exportVerdictsSchema),
  /** Job result: `ImportSummary`. */
  'bundles.importVerdicts': method<Started>()(importVerdictsSchema),
  /** The conflicts that an `importVerdicts` job of this session found, in the order of the file. */
  'bundles.conflicts': method<Page<ImportConflict>>()(pageRequestSchema.extend({ jobId: z.int().min(1) })),
};
