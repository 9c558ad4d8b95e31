import { z } from 'zod';
import { documentRowSchema, idSchema, sha256Schema } from '../documents.ts';
import { newReviewSchema, provenanceSchema, verdictSchema } from '../pairs.ts';
import { drawSchema, simpleDrawSchema } from './draw.ts';
import { reviewerSchema } from './review.ts';

/*
 * A review bundle takes pairs to an annotator's machine, a verdict file brings the reviews back. Both are JSON Lines:
 * a header, records, and an end with the number of records and a SHA-256 over what comes before it (each value as
 * JSON.stringify writes it, with a line feed), so that a file that was cut off or changed is noticed. Plain text on
 * purpose: nothing to unpack, so nothing that unpacks to more than it is, and no file names inside.
 */

export const bundleFormat = 'longhand-review-bundle';
export const verdictsFormat = 'longhand-review-verdicts';
/** The version that is written, and the newest that is read. */
export const bundleVersion = 1;

/** What every header says; a file of another format or a newer version is refused by it alone. */
export const anyHeaderSchema = z.looseObject({
  kind: z.literal('header'),
  format: z.string(),
  version: z.int().min(1),
});

const share = z.number().min(0).max(1);
const text = z.string().refine((value) => !value.includes('\0'), 'must not contain NUL');

export const bundleHeaderSchema = z.strictObject({
  kind: z.literal('header'),
  format: z.literal(bundleFormat),
  version: z.literal(bundleVersion),
  bundleId: z.uuid(),
  createdAt: z.int().min(0),
  /** Version of Longhand that wrote it. */
  writtenBy: z.string().max(200),
  /** The audit must be blind. */
  blind: z.boolean(),
  /** What the annotator should know. */
  note: z.string().max(20_000),
  pairs: z.int().min(1),
  draw: simpleDrawSchema,
});
export type BundleHeader = z.infer<typeof bundleHeaderSchema>;

/** Where and how pairs were made; pairs name it by its place among the provenances of the file, from 0. */
const provenanceRecordSchema = z.strictObject({ kind: z.literal('provenance'), provenance: provenanceSchema });

/** A document or the surroundings of one chunk; pairs name it by its place among the documents of the file, from 0. */
const documentRecordSchema = z.strictObject({
  kind: z.literal('document'),
  title: text.min(1).max(10_000),
  importer: documentRowSchema.shape.importer,
  /** Unicode characters of the whole document. */
  characters: z.int().min(1),
  /** `text` is only a part of it. */
  excerpt: z.boolean(),
  text: text.min(1),
});

const pairRecordSchema = z.strictObject({
  kind: z.literal('pair'),
  /** Number and hash in the workspace that wrote the bundle. */
  id: idSchema,
  sha256: sha256Schema,
  document: z.int().min(0),
  provenance: z.int().min(0),
  /** `text.slice(start, end)` of its document here; `chunking` tells ways of cutting apart. */
  chunk: z
    .strictObject({
      chunking: idSchema,
      index: z.int().min(0),
      count: z.int().min(1),
      start: z.int().min(0),
      end: z.int().min(1),
      tokens: z.int().min(0),
    })
    .refine(({ start, end }) => start < end, 'must not be empty'),
  /** In the whole document. */
  place: z.strictObject({ start: share, end: share }),
  turn: z.int().min(0),
  turns: z.int().min(1),
  question: text.min(1),
  chosen: text,
  rejected: text,
  seed: z.int().min(0),
  flags: z.array(z.string().min(1).max(200)).max(100),
});
export type BundlePair = z.infer<typeof pairRecordSchema>;

const bundleEndSchema = z.strictObject({ kind: z.literal('end'), records: z.int().min(0), sha256: sha256Schema });

/** What may stand after a bundle's header. */
export const bundleRecordSchema = z.discriminatedUnion('kind', [
  provenanceRecordSchema,
  documentRecordSchema,
  pairRecordSchema,
  bundleEndSchema,
]);
export type BundleRecord = z.infer<typeof bundleRecordSchema>;

/** What the annotator's workspace keeps of a pair besides its texts. */
export const bundlePairDetailSchema = z.strictObject({
  place: z.strictObject({ start: share, end: share }),
  chunks: z.int(),
  turn: z.int(),
  turns: z.int(),
  documentCharacters: z.int(),
  excerpt: z.boolean(),
});
export type BundlePairDetail = z.infer<typeof bundlePairDetailSchema>;

export const verdictsHeaderSchema = z.strictObject({
  kind: z.literal('header'),
  format: z.literal(verdictsFormat),
  version: z.literal(bundleVersion),
  bundleId: z.uuid(),
  /** When the bundle was made, by the clock there. */
  bundleCreatedAt: z.int().min(0),
  /** The annotator's workspace. */
  auditId: z.uuid(),
  exportedAt: z.int().min(0),
  writtenBy: z.string().max(200),
});
export type VerdictsHeader = z.infer<typeof verdictsHeaderSchema>;

const { edit } = newReviewSchema.shape;

/** One review as it was given; numbers rise, and an undo names the review that it takes back. */
export const verdictRecordSchema = z
  .strictObject({
    kind: z.literal('review'),
    act: idSchema,
    /** Number and hash of the pair where the bundle was made. */
    pairId: idSchema,
    sha256: sha256Schema,
    reviewer: reviewerSchema,
    verdict: verdictSchema.nullable(),
    edit: edit.unwrap(),
    comment: z.string().min(1).max(20_000).nullable(),
    undoes: idSchema.nullable(),
    blind: z.boolean(),
    milliseconds: z.int().min(0),
    createdAt: z.int().min(0),
    draw: drawSchema.nullable(),
  })
  .refine(
    (review) =>
      (review.undoes === null) !== (review.verdict === null && review.edit === null && review.comment === null),
    'a review is a verdict, an edit or a comment, or else an undo',
  );
export type VerdictRecord = z.infer<typeof verdictRecordSchema>;

/** What may stand after the header of a verdict file. */
export const verdictsRecordSchema = z.union([verdictRecordSchema, bundleEndSchema]);
