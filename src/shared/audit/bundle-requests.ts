import { z } from 'zod';
import { idSchema, sha256Schema } from '../documents.ts';
import { auditFilterSchema, auditOrders } from './queue.ts';

/** Which pairs go into a review bundle, and how. */
export const exportBundleSchema = z.strictObject({
  path: z.string().trim().min(1, 'name a file'),
  /** The first `limit` pairs of a queue; the order `random` gives a sample that speaks for the others. */
  filter: auditFilterSchema.prefault({ queue: 'all' }),
  order: z.enum(auditOrders).default('random'),
  seed: z.int().min(0).max(0xffffffff).default(0),
  limit: z.int().min(1).max(100_000).default(200),
  /** These pairs in this order instead of a queue's. */
  pairIds: z.array(idSchema).min(1).max(100_000).optional(),
  /**
   * How much of the documents goes along: each whole, or for each chunk so many UTF-16 units before and after it (0 =
   * the chunk alone).
   */
  documents: z
    .union([z.literal('whole'), z.strictObject({ excerpt: z.int().min(0).max(10_000_000) })])
    .default({ excerpt: 4000 }),
  /** The annotator never learns which answer is the chosen one. */
  blind: z.boolean().default(true),
  /** What the annotator should know. */
  note: z.string().max(20_000).default(''),
});
export type ExportBundle = z.input<typeof exportBundleSchema>;

export interface ExportedBundle {
  readonly path: string;
  readonly bundleId: string;
  readonly pairs: number;
  /** Documents or, with excerpts, surroundings of chunks. */
  readonly documents: number;
  readonly bytes: number;
}

export interface OpenedBundleReport {
  /** The annotator's workspace; open it like any other. */
  readonly folder: string;
  readonly bundleId: string;
  readonly pairs: number;
  readonly blind: boolean;
  readonly note: string;
  /** false: the bundle was opened in this folder before, and its reviews are there. */
  readonly created: boolean;
}

/** The review bundle that the open workspace was made from, and how far its audit is. */
export interface OpenedBundleInfo {
  readonly bundleId: string;
  /** By the clock of the machine that made it. */
  readonly createdAt: number;
  readonly openedAt: number;
  readonly blind: boolean;
  readonly note: string;
  readonly pairs: number;
  readonly reviewed: number;
}

export const exportVerdictsSchema = z.strictObject({ path: z.string().trim().min(1, 'name a file') });
export type ExportVerdicts = z.input<typeof exportVerdictsSchema>;

export interface ExportedVerdicts {
  readonly path: string;
  readonly reviews: number;
  readonly bytes: number;
}

export const importVerdictsSchema = z.strictObject({
  path: z.string().trim().min(1, 'name a file'),
  /** What to do with reviews of a pair that was edited here since the bundle was made. */
  changedPairs: z.enum(['skip', 'import']).default('skip'),
  /** What to do where the same reviewer has a verdict on the pair here from elsewhere. */
  sameReviewer: z.enum(['skip', 'import']).default('skip'),
  /** What to do with reviews whose time is before the bundle was made, or in the future. */
  clock: z.enum(['skip', 'import']).default('import'),
  /** Reviewers' names here by their names in the file (two people may both be called "me"). */
  rename: z.record(z.string().min(1), z.string().trim().min(1).max(200)).default({}),
  /** `ImportReport.seal` of a preview: another file under the same name is refused. */
  expected: sha256Schema.optional(),
  /** Only report what would happen. */
  preview: z.boolean().default(false),
});
export type ImportVerdicts = z.input<typeof importVerdictsSchema>;

/**
 * `pair_unknown`: no such pair here. `pair_changed`: its texts are not those that were reviewed. `same_reviewer`: the
 * reviewer has a verdict on it from elsewhere. `clock`: a review's time is before the bundle was made or in the future.
 */
export const importConflictKinds = ['pair_unknown', 'pair_changed', 'same_reviewer', 'clock'] as const;
export type ImportConflictKind = (typeof importConflictKinds)[number];

export interface ImportConflict {
  readonly kind: ImportConflictKind;
  readonly pairId: number;
  /** As named here. */
  readonly reviewer: string;
  /** Reviews that it is about. */
  readonly reviews: number;
  readonly resolution: 'skipped' | 'imported';
  readonly message: string;
}

/** A reviewer of a verdict file. */
export interface ImportedReviewer {
  /** As named in the file, and as named here. */
  readonly inFile: string;
  readonly name: string;
  readonly reviews: number;
  /** Pairs on which a verdict of that name stands here already. */
  readonly pairsHere: number;
}

export interface ImportReport {
  /** Tells this file from another. */
  readonly seal: string;
  readonly bundleId: string;
  readonly auditId: string;
  /** Reviews in the file: new ones that were taken over, known from an earlier import, and left out by a conflict. */
  readonly reviews: number;
  readonly imported: number;
  readonly known: number;
  readonly skipped: number;
  readonly reviewers: readonly ImportedReviewer[];
  /** Pair and reviewer together count once, as in `conflicts`. */
  readonly counts: Readonly<Record<ImportConflictKind, { readonly imported: number; readonly skipped: number }>>;
  readonly conflicts: readonly ImportConflict[];
  readonly preview: boolean;
}
