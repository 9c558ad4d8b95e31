import type { OpenedBundleReport } from '../../shared/audit/bundle-requests.ts';
import type { JobProgress } from '../../shared/job-progress.ts';
import type { CheckReport, CompactReport, RestoreReport } from '../../shared/workspace-care.ts';
import type { WireError } from '../engine/protocol/messages.ts';

/**
 * Work on whole databases that is done in a process of its own: what each piece is given and what comes of it. `now` is
 * main's clock, in milliseconds since 1970.
 */
export interface Works {
  readonly check: { readonly input: { readonly folder: string }; readonly result: CheckReport };
  readonly compact: {
    readonly input: { readonly folder: string; readonly now: number };
    readonly result: CompactReport;
  };
  readonly restore: {
    readonly input: { readonly folder: string; readonly name: string | undefined; readonly now: number };
    readonly result: RestoreReport;
  };
  readonly openBundle: {
    readonly input: { readonly path: string; readonly folder: string };
    readonly result: OpenedBundleReport;
  };
}
export type WorkKind = keyof Works;

export type ToWork =
  { readonly type: 'start'; readonly kind: WorkKind; readonly input: unknown } | { readonly type: 'stop' };

export type FromWork =
  | { readonly type: 'progress'; readonly progress: JobProgress }
  | { readonly type: 'finished'; readonly result: unknown }
  | { readonly type: 'failed'; readonly error: WireError };
