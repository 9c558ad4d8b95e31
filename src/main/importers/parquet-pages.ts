import type { ColumnMetaData } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { FileProblem } from './reader.ts';

/** Most bytes of one page's description: statistics hold two values of the column. */
const maxHeaderBytes = 16 * 1024 * 1024;

/**
 * Checks what the pages of a column say of themselves against the column and its bytes, before they are read (format:
 * parquet.thrift, PageHeader): hyparquet believes the counts and lengths, and where one is missing its position becomes
 * no number, with which it reads one byte for ever.
 * @param bytes the column's chunk, from its first page
 * @param rows of the row group
 * @throws FileProblem (`unreadable`)
 */
export function checkPages(bytes: ArrayBuffer, column: ColumnMetaData, rows: number): void {
  const reader = { view: new DataView(bytes), offset: 0 };
  const unpackedMost = Number(column.total_uncompressed_size);
  const values = Number(column.num_values);
  let [unpacked, seen] = [0, 0];
  while (reader.offset < bytes.byteLength - 1 && seen < values) {
    const start = reader.offset;
    const header = parquetHeader(reader);
    const { data_page_header: page, data_page_header_v2: page2, dictionary_page_header: dictionary } = header;
    const left = bytes.byteLength - reader.offset;
    const packed = count(header.compressed_page_size, left, 'length');
    unpacked += count(header.uncompressed_page_size, unpackedMost - unpacked, 'unpacked length');
    if (reader.offset - start > maxHeaderBytes) throw damaged('description');
    if (header.type === 'DATA_PAGE' && page !== undefined) {
      seen += count(page.num_values, values - seen, 'number of values');
    } else if (header.type === 'DATA_PAGE_V2' && page2 !== undefined) {
      const here = count(page2.num_values, values - seen, 'number of values');
      count(page2.num_nulls, here, 'number of nulls');
      count(page2.num_rows, Math.min(here, rows), 'number of rows');
      const levels = count(page2.repetition_levels_byte_length, packed, 'length of levels');
      count(page2.definition_levels_byte_length, packed - levels, 'length of levels');
      seen += here;
    } else if (header.type === 'DICTIONARY_PAGE' && dictionary !== undefined) {
      // Each entry takes at least a byte, or four of its length.
      count(dictionary.num_values, header.uncompressed_page_size, 'number of entries');
    } else {
      throw damaged('kind');
    }
    reader.offset += packed;
  }
  if (seen !== values) throw damaged('number of values');
}

function count(value: unknown, most: number, what: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0 || value > most) throw damaged(what);
  return value;
}

function damaged(what: string): FileProblem {
  return new FileProblem('unreadable', `is damaged: the ${what} of one of its pages cannot be`);
}
