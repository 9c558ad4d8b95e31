import { z } from 'zod';
import type { BackupRow, CompactReport, RestoreReport } from '../workspace-care.ts';
import { method } from './method.ts';

export interface WorkspaceInfo {
  readonly folder: string;
  readonly models: number;
  readonly documents: number;
  readonly pairs: number;
  readonly unreviewed: number;
  readonly runs: number;
  readonly evaluations: number;
}

export interface RecentWorkspace {
  readonly folder: string;
  readonly openedAt: number;
  readonly exists: boolean;
}

export interface FolderEntry {
  readonly name: string;
  readonly path: string;
  readonly kind: 'folder' | 'file';
  /** What Longhand takes it for. */
  readonly role: 'workspace' | 'model' | null;
  readonly bytes: number | null;
}

export interface FolderListing {
  readonly path: string;
  /** Null at the top of what may be read. */
  readonly parent: string | null;
  readonly entries: readonly FolderEntry[];
}

/** One model's figures in the demo; shares are in [0, 1], NLL and KL in nats a token. */
export interface DemoFiguresView {
  readonly name: string;
  readonly short: number;
  readonly long: number;
  readonly closed: number;
  readonly ask: number;
  readonly textNll: number;
  readonly klChosen: number;
  readonly klRejected: number;
}

/** The demo as it runs: what it has done, what it found. */
export interface DemoView {
  readonly jobId: number;
  readonly folder: string;
  /** In order; the last one runs while `endedAt` is null. */
  readonly phases: readonly { readonly name: string; readonly startedAt: number; readonly endedAt: number | null }[];
  /** The base model first, then each run. */
  readonly figures: readonly DemoFiguresView[];
  /** What the demo promises and whether it held; null until its end. */
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[] | null;
}

const folder = z.string().trim().min(1, 'name a folder');

export const workspaceMethods = {
  /** The workspace that is open; null = none yet. */
  'workspaces.current': method<WorkspaceInfo | null>()(z.strictObject({})),
  'workspaces.recent': method<readonly RecentWorkspace[]>()(z.strictObject({})),
  'workspaces.open': method<WorkspaceInfo>()(z.strictObject({ folder, create: z.boolean().default(false) })),
  'workspaces.close': method<null>()(z.strictObject({})),
  /** Copies of a workspace's database, newest first: of one that need not be open, nor whole, or (left out) of the open one. */
  'workspaces.backups': method<readonly BackupRow[]>()(z.strictObject({ folder: folder.optional() })),
  'workspaces.backUp': method<{ readonly jobId: number }>()(z.strictObject({})),
  /** The job's result is a `CheckReport`. */
  'workspaces.check': method<{ readonly jobId: number }>()(z.strictObject({})),
  /** Closes the workspace, writes its database anew and opens it again; not while a job runs. */
  'workspaces.compact': method<CompactReport>()(z.strictObject({})),
  /**
   * Puts a copy (left out: the newest) in the place of the database, which is kept under another name. Of the open
   * workspace (folder left out), which is closed and opened again, not while a job runs; or of one that is not open, such
   * as a damaged one, which stays closed.
   */
  'workspaces.restore': method<RestoreReport>()(
    z.strictObject({ folder: folder.optional(), name: z.string().optional() }),
  ),
  /** Everything in open formats into an empty or new folder; the job's result is an `ExportAllReport`. */
  'workspaces.exportAll': method<{ readonly jobId: number }>()(z.strictObject({ folder })),
  /** Files and folders for choosing where there is no native dialog; only inside what the user granted. */
  'files.browse': method<FolderListing>()(z.strictObject({ path: z.string().nullable().default(null) })),
  /** Runs the embedded demo in a new workspace under `folder` (left out: a temporary one) and opens it. */
  'demo.start': method<{ readonly jobId: number }>()(
    z.strictObject({ folder: folder.optional(), seed: z.int().min(0).default(0), compare: z.boolean().default(false) }),
  ),
  /** The demo that was started last since Longhand runs; null = none. */
  'demo.state': method<DemoView | null>()(z.strictObject({})),
};
