import { readdir, stat } from 'node:fs/promises';
import type { Dirent, Stats } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import type { ImportProblem } from '../../shared/documents.ts';
import { UserError } from '../../shared/errors.ts';
import { importKindOf, importKindsText } from '../../shared/import-kinds.ts';
import type { ImporterName, TreeMode } from '../../shared/import-kinds.ts';
import { asReadError } from '../files/json-lines.ts';
import { isLeftOutFolder, readIgnoreRules } from './ignore-rules.ts';
import type { IgnoreRules } from './ignore-rules.ts';
import type { Source } from './reader.ts';

/** A file to import (or the files of a folder that are to be joined), or what a folder holds and nothing imports. */
export type FoundFile = Source | { readonly path: string; readonly importer: null; readonly problem: ImportProblem };

/**
 * The files behind a list of files and folders, folders with all that is below them, in the order of names. Inside
 * folders these are left out: names that start with a dot, what a .gitignore there names, and folders of dependencies
 * and build outputs (the latter two are reported). Links to folders are not followed.
 * Errors: `not_found`, and `unsupported` for a file that is named itself and that nothing imports.
 */
export async function* collectFiles(paths: readonly string[], tree: TreeMode): AsyncGenerator<FoundFile> {
  for (const named of paths) {
    const path = resolve(named);
    const info = await statNamed(path);
    const importer = importKindOf(basename(path));
    if (info.isDirectory()) {
      yield* tree === 'joined' ? joinedFolder(path) : walk(path, []);
    } else if (importer === undefined || !info.isFile()) {
      throw new UserError('unsupported', `${path} cannot be imported: ${unsupportedReason}.`, {
        hint: `Kinds of files: ${importKindsText()}.`,
        place: { file: path },
      });
    } else {
      yield { path, importer, members: null };
    }
  }
}

const joined: readonly ImporterName[] = ['code', 'txt', 'md'];

async function* joinedFolder(folder: string): AsyncGenerator<FoundFile> {
  const members: string[] = [];
  for await (const file of walk(folder, [])) {
    if (file.importer !== null && joined.includes(file.importer)) members.push(relative(folder, file.path));
    else yield file;
  }
  if (members.length > 0) yield { path: folder, importer: 'code', members };
}

async function* walk(folder: string, outer: readonly IgnoreRules[]): AsyncGenerator<FoundFile> {
  let entries: Dirent[];
  let rules = outer;
  try {
    entries = await readdir(folder, { withFileTypes: true });
    const own = entries.some((entry) => entry.name === '.gitignore') ? await readIgnoreRules(folder) : undefined;
    if (own !== undefined) rules = [own, ...outer];
  } catch (error) {
    yield leftOut(folder, 'unreadable', describe(folder, error));
    return;
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const names = new Set(entries.map((entry) => entry.name));
  let ignored = 0;
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.name.startsWith('.')) continue;
    if (isIgnored(rules, path, entry.isDirectory())) {
      ignored += 1;
    } else if (!entry.isDirectory()) {
      yield await file(path, entry);
    } else if (isLeftOutFolder(entry.name, names)) {
      yield leftOut(path, 'ignored', 'is a folder of dependencies or build outputs; name it itself to import it');
    } else {
      yield* walk(path, rules);
    }
  }
  if (ignored > 0) {
    const what = ignored === 1 ? '1 file or folder' : `${ignored.toLocaleString('en')} files and folders`;
    yield leftOut(folder, 'ignored', `holds ${what} left out by a .gitignore`);
  }
}

async function file(path: string, entry: Dirent): Promise<FoundFile> {
  let info: Dirent | Stats = entry;
  try {
    if (entry.isSymbolicLink()) info = await stat(path);
  } catch (error) {
    return leftOut(path, 'unreadable', entry.isSymbolicLink() ? 'is a link to nothing' : describe(path, error));
  }
  if (info.isDirectory()) return leftOut(path, 'unsupported', 'is a link to a folder, which is not followed');
  const importer = importKindOf(entry.name);
  if (importer === undefined || !info.isFile()) return leftOut(path, 'unsupported', unsupportedReason);
  return { path, importer, members: null };
}

const unsupportedReason = 'its name is of no kind that can be imported';

function leftOut(path: string, kind: ImportProblem['kind'], reason: string): FoundFile {
  return { path, importer: null, problem: { path, line: null, kind, reason } };
}

/** The innermost .gitignore that says something about a path decides, as in Git. */
function isIgnored(rules: readonly IgnoreRules[], path: string, isFolder: boolean): boolean {
  for (const { test } of rules) {
    const verdict = test(path, isFolder);
    if (verdict !== undefined) return verdict;
  }
  return false;
}

function describe(path: string, error: unknown): string {
  const known = asReadError(path, error);
  if (known instanceof UserError) return known.message.slice(path.length + 1).replace(/\.$/, '');
  return `cannot be read (${error instanceof Error ? error.message : String(error)})`;
}

async function statNamed(path: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (error) {
    throw asReadError(path, error);
  }
}
