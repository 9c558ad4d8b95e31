import type { ImporterName } from '../../shared/import-kinds.ts';
import type { Reader } from './reader.ts';

/** What reads each kind of `importKinds`. Loaded when the first file of a kind comes: some of the parsers are large. */
export const readers: Readonly<Record<ImporterName, () => Promise<Reader>>> = {
  txt: async () => (await import('./text-file.ts')).readTextFile,
  md: async () => (await import('./text-file.ts')).readTextFile,
  html: async () => (await import('./html-file.ts')).readHtmlFile,
  pdf: async () => (await import('./pdf-file.ts')).readPdfFile,
  docx: async () => (await import('./docx-file.ts')).readDocxFile,
  epub: async () => (await import('./epub-file.ts')).readEpubFile,
  jsonl: async () => (await import('./jsonl-file.ts')).readJsonlFile,
  parquet: async () => (await import('./parquet-file.ts')).readParquetFile,
  code: async () => (await import('./code-file.ts')).readCode,
};
