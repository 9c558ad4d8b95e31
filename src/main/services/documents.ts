import { resolve } from 'node:path';
import type { DocumentListRequest, DocumentListRow, ImportReport } from '../../shared/documents.ts';
import { everyRow } from '../../shared/paging.ts';
import type { Page } from '../../shared/paging.ts';
import { importPaths } from '../importers/import-paths.ts';
import type { ImportOptions } from '../importers/import-paths.ts';
import type { ServiceContext } from './context.ts';
import type { JobOptions } from './engine-client.ts';
import { noteModel, usableModel } from './models.ts';
import { documentForEngine } from './stored-texts.ts';

type WorkspaceOnly = Pick<ServiceContext, 'workspace'>;

/**
 * Imports files and folders, all or nothing; what could not be read stands in the report.
 * Errors: as `importPaths`; the workspace is then as it was.
 */
export function importDocuments(
  { workspace }: WorkspaceOnly,
  paths: readonly string[],
  options: ImportOptions = {},
): Promise<ImportReport> {
  const full = paths.map((path) => resolve(path));
  return importPaths(full, options, workspace.documents.startImport());
}

/** Documents in the order of import, one page. */
export function listDocuments({ workspace }: WorkspaceOnly, request: DocumentListRequest = {}): Page<DocumentListRow> {
  return workspace.documents.list(request);
}

/** Ids of all documents that are not archived, in the order of import. */
export function allDocumentIds({ workspace }: WorkspaceOnly): number[] {
  return Array.from(
    everyRow((cursor) => workspace.documents.list({ cursor, limit: 5000 })),
    ({ id }) => id,
  );
}

export interface TokenCounts {
  readonly modelFingerprint: string;
  /** Documents whose tokens were counted now; the others were known. */
  readonly counted: number;
}

/** Counts the tokens of all documents with a model's tokenizer; `listDocuments` with its fingerprint shows them. */
export async function countTokens(
  { workspace, engine }: ServiceContext,
  modelDir: string,
  options: JobOptions = {},
): Promise<TokenCounts> {
  const model = await usableModel(engine, modelDir, options);
  const { fingerprint } = model;
  noteModel(workspace, model);
  const documentIds = workspace.documents.withoutTokens(fingerprint, Number.MAX_SAFE_INTEGER);
  if (documentIds.length === 0) return { modelFingerprint: fingerprint, counted: 0 };
  const { counted } = await engine.run(
    'countTokens',
    { modelDir: resolve(modelDir), documentIds },
    {
      readDocument: ({ id }) => documentForEngine(workspace, id),
      counted: ({ rows }) => workspace.documents.setTokens(fingerprint, rows),
    },
    options,
  );
  return { modelFingerprint: fingerprint, counted };
}
