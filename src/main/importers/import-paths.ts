import type { FileReport, ImportProblem, ImportReport, NewDocument } from '../../shared/documents.ts';
import { UserError } from '../../shared/errors.ts';
import { importKindsText } from '../../shared/import-kinds.ts';
import type { TreeMode } from '../../shared/import-kinds.ts';
import type { FoundFile } from './collect-files.ts';
import type { TextEncoding } from './decode-text.ts';
import { cancelled, ReaderClient, readerLimits } from './reader-client.ts';
import type { ReaderLimits } from './reader-client.ts';
import { FileProblem } from './reader.ts';
import type { ReadOptions, Source } from './reader.ts';

/** Where documents go: all of them become visible with `commit`, none is left after `abort`. */
export interface DocumentSink {
  add(document: NewDocument): 'added' | 'duplicate';
  commit(): unknown;
  abort(): void;
}

export interface ImportOptions {
  readonly encoding?: TextEncoding;
  /** Field of a JSON Lines object, or column of a Parquet file, that holds the text. */
  readonly textField?: string;
  /** What becomes of the code and text files in folders. */
  readonly tree?: TreeMode;
  /** Longest document that `tree: 'joined'` makes, in characters (UTF-16 units). */
  readonly joinedCharacters?: number;
  /** Longest document in bytes of UTF-8. */
  readonly maxBytes?: number;
  /** Time and memory that a file may take. */
  readonly limits?: ReaderLimits;
  readonly signal?: AbortSignal;
  /** Called after each file, with the number of files that were found. */
  readonly onFile?: (report: FileReport, total: number) => void;
}

/** About eight million tokens of English: beyond any context, and one row of it is still stored in a moment. */
export const defaultMaxBytes = 32 * 1024 * 1024;

/** About 100,000 tokens of code. */
export const defaultJoinedCharacters = 400_000;

/**
 * Imports files and folders, one document at a time, all or nothing: on any error the sink is left as it was. A file
 * (or line) that is empty, damaged, too large, wrongly encoded or of another kind is left out and stands in the report.
 * Folders are walked and files parsed in a process of their own (`ReaderClient`).
 * Errors: `invalid_input` naming file and line where there was no document at all; `not_found`, `unsupported` and
 * `invalid_input` for a path that was named itself; `cancelled`, and what the sink throws.
 */
export async function importPaths(
  paths: readonly string[],
  options: ImportOptions,
  sink: DocumentSink,
): Promise<ImportReport> {
  const reader = new ReaderClient(options.limits ?? readerLimits);
  try {
    const files: FileReport[] = [];
    const found = await collect(reader, paths, options);
    for (const file of found) {
      const report: FileReport = { path: file.path, importer: file.importer, imported: 0, duplicates: 0, problems: [] };
      if (file.importer === null) report.problems.push(file.problem);
      else await importFile(reader, file, options, sink, report);
      files.push(report);
      options.onFile?.(report, found.length);
    }
    const report = summarise(files);
    if (report.imported + report.duplicates === 0) throw noDocument(paths, files);
    if (options.signal?.aborted === true) throw cancelled();
    sink.commit();
    return report;
  } catch (error) {
    sink.abort();
    throw error;
  } finally {
    reader.close();
  }
}

async function collect(reader: ReaderClient, paths: readonly string[], options: ImportOptions): Promise<FoundFile[]> {
  const { tree = 'files', signal } = options;
  try {
    const files: FoundFile[] = [];
    for await (const file of reader.run('collect', { paths, tree }, signal)) files.push(file);
    return files;
  } catch (error) {
    if (!(error instanceof FileProblem)) throw error;
    throw new UserError('invalid_input', `The folders to import could not be walked: it ${error.message}.`, {
      hint: 'Import smaller folders one after another.',
    });
  }
}

async function importFile(
  reader: ReaderClient,
  source: Source,
  options: ImportOptions,
  sink: DocumentSink,
  report: FileReport,
): Promise<void> {
  const { encoding = 'auto', textField = 'text', tree = 'files', signal } = options;
  const { maxBytes = defaultMaxBytes, joinedCharacters = defaultJoinedCharacters } = options;
  const readOptions: ReadOptions = { encoding, textField, tree, maxBytes, joinedCharacters };
  try {
    for await (const item of reader.run('read', { source, options: readOptions }, signal)) {
      if (signal?.aborted === true) throw cancelled();
      if ('reason' in item && item.kind === 'unreadable' && source.importer === 'jsonl') throw brokenLine(item);
      if ('reason' in item) report.problems.push(item);
      else if (sink.add(item) === 'added') report.imported += 1;
      else report.duplicates += 1;
    }
  } catch (error) {
    if (!(error instanceof FileProblem)) throw error;
    report.problems.push({ path: source.path, line: null, kind: error.kind, reason: error.message });
  }
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
  const first = problems.find(({ kind }) => kind !== 'unsupported' && kind !== 'ignored') ?? problems[0];
  const where = paths.length === 1 ? `in ${paths[0]}` : `in the ${paths.length} files and folders named`;
  const because = first === undefined ? '' : `: ${describe(first, problems.length)}`;
  return new UserError('invalid_input', `There is no document to import ${where}${because}.`, {
    hint: `Documents are files with some text: ${importKindsText()}.`,
    ...(first === undefined
      ? {}
      : { place: { file: first.path, ...(first.line === null ? {} : { line: first.line }) } }),
  });
}

/** A broken line means that a data set is damaged: half of it is worth less than a clear refusal. */
function brokenLine({ path, line, reason }: ImportProblem): UserError {
  return new UserError('invalid_input', `${path}${line === null ? '' : `, line ${line}`} ${reason}.`, {
    hint: 'Mend the file; nothing of this import was kept.',
    place: { file: path, ...(line === null ? {} : { line }) },
  });
}

function describe({ path, line, reason }: ImportProblem, problems: number): string {
  const more = problems > 1 ? ` (and ${problems - 1} more)` : '';
  return `${path}${line === null ? '' : `, line ${line}`} ${reason}${more}`;
}
