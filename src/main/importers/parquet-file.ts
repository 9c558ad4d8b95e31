import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { parse } from 'node:path';
import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import type { AsyncBuffer, FileMetaData, SchemaElement } from 'hyparquet';
import type { ImportProblem } from '../../shared/documents.ts';
import { asReadError } from '../files/json-lines.ts';
import { parquetCompressors } from '../files/parquet-compressors.ts';
import { normaliseText } from './decode-text.ts';
import { asTitle } from './jsonl-file.ts';
import { checkPages } from './parquet-pages.ts';
import { FileProblem } from './reader.ts';
import type { FoundDocument, ReadOptions, Source } from './reader.ts';

/** Most unpacked bytes of the columns that are read, in one row group: writers make groups of about 128 MiB. */
const maxGroupBytes = 512 * 1024 * 1024;
/** Most bytes of the description at the end of a file; it grows with row groups and columns. */
const maxFooterBytes = 64 * 1024 * 1024;
/** Rows taken from a row group at a time. */
const rowsAtATime = 1000;

/**
 * Reads documents from a Parquet file: one a row, its text in the column `textField`. Title: the columns `title`, else
 * `id`, else file name and row. Reads one row group after another, and of it only these columns.
 */
export async function* readParquetFile(
  { path }: Source,
  { textField }: ReadOptions,
): AsyncGenerator<FoundDocument | ImportProblem> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    throw asReadError(path, error);
  }
  try {
    const file = await bufferOf(handle);
    const metadata = await readMetadata(file);
    const columns = chooseColumns(metadata, textField);
    const elements = new Map(
      topLevel(metadata.schema).flatMap((element) => (columns.includes(element.name) ? [[element.name, element]] : [])),
    );
    let row = 0;
    for (const [index, group] of metadata.row_groups.entries()) {
      const rows = Number(group.num_rows);
      checkGroup(group, index, columns, file.byteLength);
      for (const { meta_data } of group.columns) {
        const element = elements.get(meta_data?.path_in_schema[0] ?? '');
        if (meta_data === undefined || element === undefined) continue;
        const dictionary = Number(meta_data.dictionary_page_offset ?? 0n);
        const first = dictionary === 0 ? Number(meta_data.data_page_offset) : dictionary;
        const chunk = await file.slice(first, first + Number(meta_data.total_compressed_size));
        try {
          checkPages(chunk, meta_data, element, rows);
        } catch (error) {
          throw asDamage(error, row + 1);
        }
      }
      for (let start = 0; start < rows; start += rowsAtATime) {
        const from = row + start;
        const to = row + Math.min(rows, start + rowsAtATime);
        const records = await readRows(file, metadata, columns, from, to);
        for (const [offset, record] of records.entries()) yield documentOf(record, from + offset + 1, path, textField);
      }
      row += rows;
    }
  } finally {
    await handle.close();
  }
}

async function bufferOf(handle: FileHandle): Promise<AsyncBuffer> {
  const { size } = await handle.stat();
  return {
    byteLength: size,
    slice: async (start, end = size) => {
      const length = end - start;
      // Offsets come from the file itself.
      if (!(start >= 0 && length >= 0 && end <= size))
        throw new FileProblem('unreadable', 'is damaged: it points outside of itself');
      const buffer = new ArrayBuffer(length);
      let done = 0;
      while (done < length) {
        const { bytesRead } = await handle.read(new Uint8Array(buffer, done), 0, length - done, start + done);
        if (bytesRead === 0) throw new FileProblem('unreadable', 'became shorter while it was read');
        done += bytesRead;
      }
      return buffer;
    },
  };
}

async function readMetadata(file: AsyncBuffer): Promise<FileMetaData> {
  const tail = file.byteLength < 12 ? undefined : new DataView(await file.slice(file.byteLength - 8));
  const magic = tail?.getUint32(4, true);
  if (magic === 0x45524150) throw new FileProblem('encrypted', 'is an encrypted Parquet file');
  if (tail === undefined || magic !== 0x31524150)
    throw new FileProblem('unreadable', 'is no Parquet file, or is cut off');
  if (tail.getUint32(0, true) > maxFooterBytes)
    throw new FileProblem('too_large', 'describes itself in more than 64 MiB');
  const metadata = await parquetMetadataAsync(file, { geoparquet: false });
  const rows = metadata.row_groups.reduce((total, group) => total + Number(group.num_rows), 0);
  if (!Number.isSafeInteger(rows) || rows < 0 || BigInt(rows) !== metadata.num_rows) {
    throw new FileProblem('unreadable', 'is damaged: its row groups do not add up');
  }
  return metadata;
}

/** The columns to read: the text's, which must hold strings, and those of a title where there are some. */
function chooseColumns(metadata: FileMetaData, textField: string): readonly string[] {
  const top = topLevel(metadata.schema);
  const column = top.find((element) => element.name === textField);
  if (column === undefined) {
    const names = top.slice(0, 8).map((element) => element.name);
    throw new FileProblem(
      'unreadable',
      `has no column "${textField}" (its columns are ${names.join(', ')}; say which of them holds the text)`,
    );
  }
  if (column.type !== 'BYTE_ARRAY' || (column.num_children ?? 0) > 0 || column.repetition_type === 'REPEATED') {
    throw new FileProblem('unsupported', `holds no text in its column "${textField}" (type ${column.type ?? 'group'})`);
  }
  const titles = ['title', 'id'].filter(
    (name) => name !== textField && top.some((element) => element.name === name && element.type !== undefined),
  );
  return [textField, ...titles];
}

function topLevel([root, ...elements]: readonly SchemaElement[]): SchemaElement[] {
  const top: SchemaElement[] = [];
  let below = 0;
  for (const element of elements.slice(0, 100_000)) {
    if (below === 0) top.push(element);
    else below -= 1;
    below += element.num_children ?? 0;
  }
  return root === undefined ? [] : top;
}

function checkGroup(
  group: FileMetaData['row_groups'][number],
  index: number,
  columns: readonly string[],
  fileBytes: number,
): void {
  const chunks = group.columns.filter(({ meta_data }) => columns.includes(meta_data?.path_in_schema[0] ?? ''));
  const sum = (count: (bytes: NonNullable<(typeof chunks)[number]['meta_data']>) => bigint) =>
    chunks.reduce((total, { meta_data }) => total + (meta_data === undefined ? 0n : count(meta_data)), 0n);
  const unpacked = sum((chunk) => chunk.total_uncompressed_size);
  if (unpacked > maxGroupBytes) {
    throw new FileProblem(
      'too_large',
      `has ${unpacked.toLocaleString('en')} bytes in row group ${index + 1}, more than the ${maxGroupBytes.toLocaleString('en')} allowed`,
    );
  }
  const values = sum((chunk) => chunk.num_values);
  const rows = Number(group.num_rows);
  // Each column that is read has one value a row; run lengths make many of one byte, but not without end.
  if (
    rows < 0 ||
    values !== BigInt(rows * chunks.length) ||
    rows > 10_000_000 ||
    sum((chunk) => chunk.total_compressed_size) > fileBytes
  ) {
    throw new FileProblem('unreadable', `is damaged: row group ${index + 1} does not describe itself rightly`);
  }
}

async function readRows(
  file: AsyncBuffer,
  metadata: FileMetaData,
  columns: readonly string[],
  rowStart: number,
  rowEnd: number,
): Promise<Record<string, unknown>[]> {
  const reading = parquetReadObjects({
    file,
    metadata,
    columns: [...columns],
    rowStart,
    rowEnd,
    compressors: parquetCompressors,
    parsers: {
      stringFromBytes: (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : decode(bytes)),
    },
  });
  return reading.catch((error: unknown) => {
    throw asDamage(error, rowStart + 1);
  });
}

/** What hyparquet throws, as a damage of the file from this row on. */
function asDamage(error: unknown, row: number): FileProblem {
  if (error instanceof FileProblem) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return new FileProblem('unreadable', `is damaged: ${detail.slice(0, 300).toWellFormed()}`, row);
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Stands for a text that is not UTF-8: half of a surrogate pair, which no decoded text holds. */
const notUtf8 = '\ud800';

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return notUtf8;
  }
}

/** Codecs beside Snappy, which hyparquet has. Each is held to the size that the page's header says. */
function documentOf(
  record: Record<string, unknown>,
  row: number,
  path: string,
  textField: string,
): FoundDocument | ImportProblem {
  const raw = record[textField];
  if (raw === undefined || raw === null) return { path, line: row, kind: 'empty', reason: `has no text in row ${row}` };
  const text = raw instanceof Uint8Array ? decode(raw) : raw;
  if (typeof text !== 'string') return { path, line: row, kind: 'unsupported', reason: `holds no text in row ${row}` };
  const fallback = `${parse(path).name}:${row}`;
  const title = asTitle(record['title']) ?? asTitle(record['id']) ?? fallback;
  const content =
    text === notUtf8 ? { ok: false as const, line: row, reason: 'is not valid UTF-8' } : normaliseText(text);
  return { title, line: row, content };
}
