import { z } from 'zod';
import { importerNameSchema } from './import-kinds.ts';
import { pageRequestSchema } from './paging.ts';

/** A SHA-256 in lower-case hexadecimal. */
export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hexadecimal');

/** A row's number in its table, unique within a workspace and never given twice. */
export const idSchema = z.int().min(1);

/** A document as an importer hands it on. Its text is normalised: no byte order mark, line feeds only, no NUL. */
export const newDocumentSchema = z.strictObject({
  title: z.string().min(1),
  text: z.string().min(1),
  /** File (or folder) it came from, and the line or row where a file holds many documents. */
  sourcePath: z.string(),
  sourceLine: z.int().min(1).nullable(),
  importer: importerNameSchema,
  /** UTF-8 bytes and Unicode characters (code points) of `text`. */
  bytes: z.int().min(1),
  characters: z.int().min(1),
});
export type NewDocument = z.infer<typeof newDocumentSchema>;

/** A document without its text. Two documents never have the same text. */
export const documentRowSchema = newDocumentSchema.omit({ text: true }).extend({
  id: idSchema,
  /** SHA-256 of the normalised text in UTF-8. */
  sha256: sha256Schema,
  /** Milliseconds since 1970, as every time in the workspace. */
  importedAt: z.int(),
  archivedAt: z.int().nullable(),
});
export type DocumentRow = z.infer<typeof documentRowSchema>;

/** A document as lists show it: tokens for the tokenizer asked about (null = not counted yet), number of its pairs. */
export const documentListRowSchema = documentRowSchema.extend({ tokens: z.int().nullable(), pairs: z.int() });
export type DocumentListRow = z.infer<typeof documentListRowSchema>;

export const documentListRequestSchema = pageRequestSchema.extend({
  /** Only documents whose title or source contains this text. */
  search: z.string().optional(),
  /** Fingerprint of the model whose token counts are wanted. */
  modelFingerprint: z.string().optional(),
  archived: z.boolean().default(false),
});
export type DocumentListRequest = z.input<typeof documentListRequestSchema>;

/** A part of a document: its text is `document.slice(start, end)` in UTF-16 units. */
export const newChunkSchema = z.strictObject({
  /** Place in the document under one way of cutting, from 0. */
  index: z.int().min(0),
  start: z.int().min(0),
  end: z.int().min(1),
  tokens: z.int().min(0),
});
export type NewChunk = z.infer<typeof newChunkSchema>;

export const chunkRowSchema = newChunkSchema.extend({
  id: idSchema,
  documentId: idSchema,
  /** The way of cutting (options and tokenizer) that the chunk belongs to. */
  chunkingId: idSchema,
  text: z.string(),
});
export type ChunkRow = z.infer<typeof chunkRowSchema>;

/** Why something was left out of an import. */
export const importProblemKinds = [
  'empty', // no text, or no document at all
  'too_large', // more than the limits allow, unpacked or as it is
  'wrong_encoding', // not text in the encoding asked for
  'unsupported', // a kind of file or content that nothing imports
  'unreadable', // not what its name says, broken, or not readable for this user
  'encrypted', // protected by a password or by digital rights management
  'ignored', // named by a .gitignore, or a folder of dependencies or build outputs
  'limit', // took more time or memory than a file may take
] as const;
export type ImportProblemKind = (typeof importProblemKinds)[number];

/** What was left out of an import: a file, or one line (or row) of it. */
export const importProblemSchema = z.strictObject({
  path: z.string(),
  line: z.int().min(1).nullable(),
  kind: z.enum(importProblemKinds),
  reason: z.string(),
});
export type ImportProblem = z.infer<typeof importProblemSchema>;

export const fileReportSchema = z.strictObject({
  path: z.string(),
  importer: importerNameSchema.nullable(),
  imported: z.int(),
  /** Documents whose text is in the workspace already, or came earlier in the same import. */
  duplicates: z.int(),
  problems: z.array(importProblemSchema),
});
export type FileReport = z.infer<typeof fileReportSchema>;

export const importReportSchema = z.strictObject({
  imported: z.int(),
  duplicates: z.int(),
  problems: z.int(),
  files: z.array(fileReportSchema),
});
export type ImportReport = z.infer<typeof importReportSchema>;
