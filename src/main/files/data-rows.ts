import { readFile, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { UserError } from '../../shared/errors.ts';
import { asReadError, readJsonLines } from './json-lines.ts';
import { parquetCompressors } from './parquet-compressors.ts';

/** Evaluation sets are small; their files are read whole. */
const maxParquetBytes = 1024 * 1024 * 1024;
const rowsAtATime = 1000;

/**
 * The rows of a published data set, counted from 1: JSON Lines, or Parquet with nested columns.
 * Errors: `not_found`, `invalid_input` naming the file.
 */
export async function* readRows(path: string): AsyncGenerator<{ row: number; value: unknown }> {
  if (extname(path) !== '.parquet') {
    for await (const { line, value } of readJsonLines(path)) yield { row: line, value };
    return;
  }
  const refuse = (problem: string, cause?: unknown): UserError =>
    new UserError('invalid_input', `${path} ${problem}.`, { place: { file: path }, cause });
  let bytes: Buffer;
  try {
    if ((await stat(path)).size > maxParquetBytes) throw refuse('is larger than 1 GiB');
    bytes = await readFile(path);
  } catch (error) {
    throw asReadError(path, error);
  }
  const file = new Uint8Array(bytes).buffer;
  const unreadable = (error: unknown): never => {
    throw refuse('is no readable Parquet file', error);
  };
  const metadata = await parquetMetadataAsync(file).catch(unreadable);
  const rows = Number(metadata.num_rows);
  for (let start = 0; start < rows; start += rowsAtATime) {
    const records = await parquetReadObjects({
      ...{ file, metadata, rowStart: start, rowEnd: Math.min(rows, start + rowsAtATime) },
      compressors: parquetCompressors,
    }).catch(unreadable);
    for (const [i, record] of records.entries()) yield { row: start + i + 1, value: plain(record) };
  }
}

/** Whole numbers come as bigint. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
  }
  return value;
}
