import { z } from 'zod';

export const importerNames = ['txt', 'md', 'html', 'pdf', 'docx', 'epub', 'jsonl', 'parquet', 'code'] as const;
export const importerNameSchema = z.enum(importerNames);
export type ImporterName = z.infer<typeof importerNameSchema>;

/** What a person is told about a kind of file, and what decides that a file is of this kind. */
export interface ImportKind {
  readonly label: string;
  /** Endings of names in lower case, with the dot. */
  readonly extensions: readonly string[];
  /** Whole names in lower case that say it without an ending. */
  readonly names?: readonly string[];
  /** The options of an import that matter for it. */
  readonly options: readonly ('encoding' | 'textField' | 'tree')[];
  /** Its documents are Markdown: headings are lines that start with `#`. */
  readonly markdown: boolean;
}

/**
 * The kinds of files that can be imported: the one table that the importers, the command line's help and the pages
 * read. What reads each kind stands in `src/main/importers/readers.ts`.
 */
export const importKinds: Readonly<Record<ImporterName, ImportKind>> = {
  txt: { label: 'Plain text', extensions: ['.txt', '.text'], options: ['encoding'], markdown: false },
  md: { label: 'Markdown', extensions: ['.md', '.markdown'], options: ['encoding'], markdown: true },
  html: { label: 'Web page', extensions: ['.html', '.htm', '.xhtml'], options: ['encoding'], markdown: true },
  pdf: { label: 'PDF', extensions: ['.pdf'], options: [], markdown: false },
  docx: { label: 'Word', extensions: ['.docx'], options: [], markdown: true },
  epub: { label: 'EPUB', extensions: ['.epub'], options: [], markdown: true },
  jsonl: { label: 'JSON Lines', extensions: ['.jsonl', '.ndjson'], options: ['textField'], markdown: false },
  parquet: { label: 'Parquet', extensions: ['.parquet'], options: ['textField'], markdown: false },
  code: {
    label: 'Source code',
    extensions: [
      ...['.py', '.pyi', '.js', '.mjs', '.cjs', '.jsx', '.ts', '.mts', '.cts', '.tsx', '.vue', '.svelte', '.java'],
      ...['.kt', '.kts', '.scala', '.groovy', '.c', '.h', '.cc', '.cpp', '.cxx', '.hh', '.hpp', '.hxx', '.cu', '.cuh'],
      ...['.m', '.mm', '.cs', '.fs', '.vb', '.go', '.rs', '.zig', '.swift', '.dart', '.rb', '.php', '.pl', '.pm'],
      ...['.lua', '.r', '.jl', '.hs', '.ml', '.mli', '.ex', '.exs', '.erl', '.clj', '.cljs', '.el', '.lisp', '.scm'],
      ...['.sh', '.bash', '.zsh', '.fish', '.ps1', '.bat', '.sql', '.graphql', '.proto', '.css', '.scss', '.less'],
      ...['.toml', '.yaml', '.yml', '.ini', '.cfg', '.cmake', '.gradle', '.mk', '.tf', '.nix', '.asm', '.s', '.tex'],
      ...['.rst', '.adoc', '.f90', '.f', '.pas', '.v', '.sv', '.vhd'],
    ],
    names: ['makefile', 'dockerfile', 'cmakelists.txt', 'gemfile', 'rakefile'],
    options: ['encoding', 'tree'],
    markdown: false,
  },
};

/**
 * What becomes of the code and plain text files in a folder: each a document (`files`), or all of them joined in the
 * order of their paths, each under a line that names it, into documents of bounded length (`joined`).
 */
export const treeModes = ['files', 'joined'] as const;
export const treeModeSchema = z.enum(treeModes);
export type TreeMode = z.infer<typeof treeModeSchema>;

/** The kind of a file by its name, or undefined where nothing imports it. */
export function importKindOf(name: string): ImporterName | undefined {
  const lower = name.toLowerCase();
  const dot = lower.lastIndexOf('.');
  const ending = dot === -1 ? undefined : lower.slice(dot);
  return (
    importerNames.find((kind) => importKinds[kind].names?.includes(lower) === true) ??
    importerNames.find((kind) => ending !== undefined && importKinds[kind].extensions.includes(ending))
  );
}

/** One line for help texts: `txt, md, html (.html, .htm, .xhtml), ...` without the many endings of code. */
export function importKindsText(): string {
  return importerNames
    .map((kind) =>
      kind === 'code' ? 'source code' : importKinds[kind].extensions.map((end) => end.slice(1)).join('/'),
    )
    .join(', ');
}
