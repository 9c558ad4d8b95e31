/** A copy of the database in the workspace's folder `backups`. */
export interface BackupRow {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  /** When it was made, in milliseconds since 1970. */
  readonly at: number;
  /** `automatic` ones are thinned out; those before a change of the format and those asked for stay. */
  readonly kind: 'automatic' | 'migration' | 'manual';
}

/** What a check of the whole workspace found. */
export interface CheckReport {
  readonly ok: boolean;
  /** What was looked at, and how much of it. */
  readonly checked: { readonly pages: number; readonly texts: number; readonly checkpoints: number };
  readonly problems: readonly string[];
}

export interface RestoreReport {
  /** The copy's path. */
  readonly restored: string;
  /** Where the former database is now; null where there was none. */
  readonly kept: string | null;
}

export interface CompactReport {
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/** What an export of everything wrote, and what of it could not be written and why. */
export interface ExportAllReport {
  readonly folder: string;
  readonly files: readonly { readonly name: string; readonly rows: number }[];
  readonly leftOut: readonly { readonly what: string; readonly why: string }[];
}
