import { z } from 'zod';
import type { ChunkRow, DocumentListRow, DocumentRow } from '../documents.ts';
import { documentListRequestSchema, idSchema } from '../documents.ts';
import { treeModeSchema } from '../import-kinds.ts';
import type { Page } from '../paging.ts';
import { method } from './method.ts';

/** Sizes of all documents for the histogram; tokens where they are counted for the model. */
export interface DocumentLengths {
  readonly characters: readonly number[];
  readonly tokens: readonly number[] | null;
}

/** A stretch of a document's text, in UTF-16 units. */
export interface DocumentText {
  readonly start: number;
  readonly end: number;
  readonly length: number;
  readonly text: string;
}

/** Where a document's text is cut for reading it piece by piece: at line ends where it has them, in UTF-16 units. */
export interface DocumentPieces {
  readonly length: number;
  readonly starts: readonly number[];
}

export interface TextHit {
  readonly start: number;
  readonly end: number;
  /** The line around it. */
  readonly excerpt: string;
}

export const documentMethods = {
  'documents.list': method<Page<DocumentListRow>>()(documentListRequestSchema),
  'documents.get': method<DocumentRow>()(z.strictObject({ id: idSchema })),
  'documents.lengths': method<DocumentLengths>()(z.strictObject({ modelFingerprint: z.string().optional() })),
  /** At most 200,000 characters a call. */
  'documents.text': method<DocumentText>()(
    z.strictObject({ id: idSchema, start: z.int().min(0), end: z.int().min(0) }),
  ),
  'documents.pieces': method<DocumentPieces>()(z.strictObject({ id: idSchema })),
  'documents.search': method<readonly TextHit[]>()(
    z.strictObject({ id: idSchema, query: z.string().min(1), limit: z.int().min(1).max(1000).default(200) }),
  ),
  /** Chunks of the document without their texts, for every way it was cut. */
  'documents.chunks': method<readonly Omit<ChunkRow, 'text'>[]>()(z.strictObject({ id: idSchema })),
  'documents.import': method<{ readonly jobId: number }>()(
    z.strictObject({
      paths: z.array(z.string().min(1)).min(1, 'choose at least one file or folder'),
      encoding: z.enum(['auto', 'latin-1', 'windows-1252']).default('auto'),
      textField: z.string().trim().min(1, 'name a field').default('text'),
      tree: treeModeSchema.default('files'),
    }),
  ),
  'documents.countTokens': method<{ readonly jobId: number }>()(z.strictObject({ modelDir: z.string().min(1) })),
  'documents.setArchived': method<null>()(z.strictObject({ id: idSchema, archived: z.boolean() })),
};
