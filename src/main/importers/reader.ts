import type { ImportProblem, ImportProblemKind } from '../../shared/documents.ts';
import type { ImporterName, TreeMode } from '../../shared/import-kinds.ts';
import type { Decoded, TextEncoding } from './decode-text.ts';

/** What one reader reads: a file, or the code and text files of a folder that are to be joined. */
export interface Source {
  readonly path: string;
  readonly importer: ImporterName;
  /** Paths below `path`, which is then a folder. */
  readonly members: readonly string[] | null;
}

/** What changes how files are read; each kind's entry in `importKinds` says which of them matter for it. */
export interface ReadOptions {
  readonly encoding: TextEncoding;
  /** Field of a JSON Lines object or column of a Parquet file that holds the text. */
  readonly textField: string;
  readonly tree: TreeMode;
  /** Longest document that joined files make, in UTF-16 units; a longer file stays whole. */
  readonly joinedCharacters: number;
  /** Longest document in bytes of UTF-8. */
  readonly maxBytes: number;
}

/** A document as a reader finds it: `line` where a file holds many. */
export interface FoundDocument {
  readonly title: string;
  readonly line: number | null;
  readonly content: Decoded;
}

/**
 * Reads one source, one document at a time. A problem that is yielded leaves out one part of it, an error that is
 * thrown the rest of it: `FileProblem`, or whatever a parser throws at a damaged file.
 */
export type Reader = (source: Source, options: ReadOptions) => AsyncIterable<FoundDocument | ImportProblem>;

/** Why a file (or the rest of it) cannot be read: `message` continues a sentence that starts with the file's name. */
export class FileProblem extends Error {
  override readonly name = 'FileProblem';
  readonly kind: ImportProblemKind;
  readonly line: number | null;

  constructor(kind: ImportProblemKind, message: string, line: number | null = null) {
    super(message);
    this.kind = kind;
    this.line = line;
  }
}

/** A title from a file's own metadata: one line without control characters, or undefined where nothing is left. */
export function cleanTitle(raw: string | undefined): string | undefined {
  const title = raw
    ?.slice(0, 1000)
    .toWellFormed()
    .replaceAll(/[\s\u0000-\u001f\u007f]+/g, ' ')
    .trim()
    .slice(0, 300)
    .toWellFormed();
  return title === '' ? undefined : title;
}
