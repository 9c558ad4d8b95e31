import { newDocumentSchema } from '../../shared/documents.ts';
import type { FileReport, ImporterName, ImportProblem, ImportReport, NewDocument } from '../../shared/documents.ts';
import { UserError } from '../../shared/errors.ts';
import { collectFiles } from './collect-files.ts';
import type { Decoded, TextEncoding } from './decode-text.ts';
import { readJsonlDocuments } from './jsonl-file.ts';
import { readTextFile } from './text-file.ts';

/** Where documents go: all of them become visible with `commit`, none is left after `abort`. */
export interface DocumentSink {
  add(document: NewDocument): 'added' | 'duplicate';
  commit(): unknown;
  abort(): void;
}

export interface ImportOptions {
  readonly encoding?: TextEncoding;
  /** Field of a JSON Lines object that holds the text. */
  readonly textField?: string;
  /** Longest document in bytes of UTF-8. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
  /** Called after each file. */
  readonly onFile?: (report: FileReport) => void;
}

/** About eight million tokens of English: beyond any context, and one row of it is still stored in a moment. */
export const defaultMaxBytes = 32 * 1024 * 1024;

/**
 * Imports files and folders, one document at a time, all or nothing: on any error the sink is left as it was. A file
 * (or line) that is empty, too large, wrongly encoded or of another kind is left out and stands in the report.
 * Errors: `invalid_input` naming file and line for broken JSON Lines, or where there was no document at all;
 * `not_found`, `unsupported`, `cancelled`, and what the sink throws.
 */
export async function importPaths(
  paths: readonly string[],
  options: ImportOptions,
  sink: DocumentSink,
): Promise<ImportReport> {
  try {
    const files: FileReport[] = [];
    for await (const file of collectFiles(paths)) {
      const report: FileReport = { path: file.path, importer: file.importer, imported: 0, duplicates: 0, problems: [] };
      if (file.importer === null) report.problems.push(file.problem);
      else await importFile(file, options, sink, report);
      files.push(report);
      options.onFile?.(report);
    }
    const report = summarise(files);
    if (report.imported + report.duplicates === 0) throw noDocument(paths, files);
    throwIfCancelled(options.signal);
    sink.commit();
    return report;
  } catch (error) {
    sink.abort();
    throw error;
  }
}

async function importFile(
  file: { readonly path: string; readonly importer: ImporterName; readonly bytes: number },
  options: ImportOptions,
  sink: DocumentSink,
  report: FileReport,
): Promise<void> {
  const { path, importer } = file;
  const { encoding = 'auto', textField = 'text', maxBytes = defaultMaxBytes } = options;
  const take = (title: string, line: number | null, content: Decoded): void => {
    throwIfCancelled(options.signal);
    const problem = problemOf(content, maxBytes);
    if (problem !== undefined) {
      report.problems.push({ path, line: problem.line ?? line, kind: problem.kind, reason: problem.reason });
      return;
    }
    const document = describe(title, content.ok ? content.text : '', path, line, importer);
    if (sink.add(document) === 'added') report.imported += 1;
    else report.duplicates += 1;
  };

  if (importer === 'jsonl') {
    for await (const { line, title, content } of readJsonlDocuments(path, textField)) {
      // Inside a string of the line: the file's line is the one to name.
      take(title, line, content.ok ? content : { ...content, line });
    }
    if (report.imported + report.duplicates + report.problems.length === 0) {
      report.problems.push({ path, line: null, kind: 'empty', reason: 'has no line' });
    }
    return;
  }
  // UTF-16 takes up to twice the bytes of UTF-8; beyond that the file need not be read to be too large.
  if (file.bytes > 2 * maxBytes) {
    report.problems.push({ path, line: null, kind: 'too_large', reason: tooLarge(file.bytes, maxBytes) });
    return;
  }
  const { title, content } = await readTextFile(path, importer, encoding);
  take(title, null, content);
}

function problemOf(content: Decoded, maxBytes: number): Omit<ImportProblem, 'path'> | undefined {
  if (!content.ok) {
    const hint = content.reason === 'is not valid UTF-8' ? '; say windows-1252 or latin-1 if it is one of them' : '';
    return { line: content.line, kind: 'wrong_encoding', reason: content.reason + hint };
  }
  if (content.text.trim() === '') return { line: null, kind: 'empty', reason: 'has no text' };
  const bytes = Buffer.byteLength(content.text);
  if (bytes > maxBytes) return { line: null, kind: 'too_large', reason: tooLarge(bytes, maxBytes) };
  return undefined;
}

function describe(title: string, text: string, path: string, line: number | null, importer: ImporterName): NewDocument {
  let characters = 0;
  for (let index = 0; index < text.length; characters++) index += (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;
  const bytes = Buffer.byteLength(text);
  return newDocumentSchema.parse({ title, text, sourcePath: path, sourceLine: line, importer, bytes, characters });
}

function tooLarge(bytes: number, maxBytes: number): string {
  return `has ${bytes.toLocaleString('en')} bytes, more than the ${maxBytes.toLocaleString('en')} allowed`;
}

function summarise(files: FileReport[]): ImportReport {
  const sum = (count: (file: FileReport) => number) => files.reduce((total, file) => total + count(file), 0);
  return {
    imported: sum((file) => file.imported),
    duplicates: sum((file) => file.duplicates),
    problems: sum((file) => file.problems.length),
    files,
  };
}

function noDocument(paths: readonly string[], files: readonly FileReport[]): UserError {
  const problems = files.flatMap((file) => file.problems);
  const first = problems.find((problem) => problem.kind !== 'unsupported') ?? problems[0];
  const where = paths.length === 1 ? `in ${paths[0]}` : `in the ${paths.length} files and folders named`;
  const because =
    first === undefined
      ? ''
      : `: ${first.path}${first.line === null ? '' : `, line ${first.line}`} ${first.reason}` +
        (problems.length > 1 ? ` (and ${problems.length - 1} more)` : '');
  return new UserError('invalid_input', `There is no document to import ${where}${because}.`, {
    hint: 'Documents are text (.txt), Markdown (.md) or JSON Lines (.jsonl) files with some text.',
    ...(first === undefined
      ? {}
      : { place: { file: first.path, ...(first.line === null ? {} : { line: first.line }) } }),
  });
}

function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw new UserError('cancelled', 'The import was cancelled; the workspace is as it was before.');
  }
}
