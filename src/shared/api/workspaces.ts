import { z } from 'zod';
import { method } from './method.ts';

export interface WorkspaceInfo {
  readonly folder: string;
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

const folder = z.string().trim().min(1, 'name a folder');

export const workspaceMethods = {
  /** The workspace that is open; null = none yet. */
  'workspaces.current': method<WorkspaceInfo | null>()(z.strictObject({})),
  'workspaces.recent': method<readonly RecentWorkspace[]>()(z.strictObject({})),
  'workspaces.open': method<WorkspaceInfo>()(z.strictObject({ folder, create: z.boolean().default(false) })),
  'workspaces.close': method<null>()(z.strictObject({})),
  /** Files and folders for choosing where there is no native dialog; only inside what the user granted. */
  'files.browse': method<FolderListing>()(z.strictObject({ path: z.string().nullable().default(null) })),
  /** Runs the embedded demo in a new workspace under `folder` (left out: a temporary one) and opens it. */
  'demo.start': method<{ readonly jobId: number }>()(
    z.strictObject({ folder: folder.optional(), seed: z.int().min(0).default(0), compare: z.boolean().default(false) }),
  ),
};
