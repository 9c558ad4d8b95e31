import { readdir, stat } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import type { ImporterName, ImportProblem } from '../../shared/documents.ts';
import { UserError } from '../../shared/errors.ts';
import { asReadError } from '../files/json-lines.ts';

const importerOfExtension: Readonly<Record<string, ImporterName>> = {
  '.txt': 'txt',
  '.text': 'txt',
  '.md': 'md',
  '.markdown': 'md',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
};

/** A file to import, or one that a folder holds and nothing imports. */
export type FoundFile =
  | { readonly path: string; readonly importer: ImporterName; readonly bytes: number }
  | { readonly path: string; readonly importer: null; readonly problem: ImportProblem };

/**
 * The files behind a list of files and folders, folders with all that is below them, in the order of names. Names that
 * start with a dot are left out inside folders, and links to folders are not followed.
 * Errors: `not_found`, and `unsupported` for a file that is named itself and that nothing imports.
 */
export async function* collectFiles(paths: readonly string[]): AsyncGenerator<FoundFile> {
  for (const named of paths) {
    const path = resolve(named);
    const info = await orReadError(path, stat(path));
    if (info.isDirectory()) {
      yield* filesBelow(path);
      continue;
    }
    const importer = importerFor(path);
    if (importer === undefined || !info.isFile()) {
      throw new UserError('unsupported', `${path} cannot be imported: ${unsupportedReason}.`, {
        place: { file: path },
      });
    }
    yield { path, importer, bytes: info.size };
  }
}

async function* filesBelow(folder: string): AsyncGenerator<FoundFile> {
  const entries = await orReadError(folder, readdir(folder, { withFileTypes: true }));
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      yield* filesBelow(path);
      continue;
    }
    const info = await orReadError(path, stat(path));
    const importer = importerFor(path);
    if (importer === undefined || !info.isFile()) {
      const reason = info.isDirectory() ? 'is a link to a folder, which is not followed' : unsupportedReason;
      yield { path, importer: null, problem: { path, line: null, kind: 'unsupported', reason } };
    } else {
      yield { path, importer, bytes: info.size };
    }
  }
}

const unsupportedReason = `its name must end in one of ${Object.keys(importerOfExtension).join(', ')}`;

function importerFor(path: string): ImporterName | undefined {
  return importerOfExtension[extname(path).toLowerCase()];
}

async function orReadError<T>(path: string, action: Promise<T>): Promise<T> {
  try {
    return await action;
  } catch (error) {
    throw asReadError(path, error);
  }
}
