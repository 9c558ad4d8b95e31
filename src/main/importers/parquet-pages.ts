import type { ColumnMetaData, SchemaElement } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { parquetCompressors } from '../files/parquet-compressors.ts';
import { FileProblem } from './reader.ts';

/**
 * Checks what the pages of a column say of themselves against the column and its bytes, before they are read (format:
 * parquet.thrift, PageHeader, and Encodings.md). hyparquet believes the counts and lengths: where one is missing its
 * position becomes no number, with which it reads one byte for ever, and a run of a few bytes fills the memory.
 * @param bytes the column's chunk, from its first page
 * @param element the column's, at the top of the schema
 * @param rows of the row group
 * @throws FileProblem (`unreadable`), and what the decompressors throw
 */
export function checkPages(bytes: ArrayBuffer, column: ColumnMetaData, element: SchemaElement, rows: number): void {
  if (column.path_in_schema.length !== 1) throw damaged('column');
  const reader = { view: new DataView(bytes), offset: 0 };
  const unpackedMost = Number(column.total_uncompressed_size);
  const values = Number(column.num_values);
  // The columns that are read lie at the top: one level for a value that may be missing, one for a repeated one.
  const [repeated, optional] = [element.repetition_type === 'REPEATED', element.repetition_type !== 'REQUIRED'];
  let [unpacked, seen] = [0, 0];
  while (reader.offset < bytes.byteLength - 1 && seen < values) {
    const header = parquetHeader(reader);
    const { data_page_header: page, data_page_header_v2: page2, dictionary_page_header: dictionary } = header;
    const packed = count(header.compressed_page_size, bytes.byteLength - reader.offset, 'length');
    const size = count(header.uncompressed_page_size, unpackedMost - unpacked, 'unpacked length');
    const body = new Uint8Array(bytes, reader.offset, packed);
    unpacked += size;
    reader.offset += packed;
    if (header.type === 'DATA_PAGE' && page !== undefined) {
      const here = count(page.num_values, values - seen, 'number of values');
      const content = new Runs(unpack(column, body, size));
      if (repeated) content.withLength(here);
      if (optional) content.withLength(here);
      content.values(page.encoding, column.type, here);
      seen += here;
    } else if (header.type === 'DATA_PAGE_V2' && page2 !== undefined) {
      const here = count(page2.num_values, values - seen, 'number of values');
      count(page2.num_nulls, here, 'number of nulls');
      count(page2.num_rows, Math.min(here, rows), 'number of rows');
      const repetition = count(page2.repetition_levels_byte_length, Math.min(packed, size), 'length of levels');
      const levels =
        repetition +
        count(page2.definition_levels_byte_length, Math.min(packed, size) - repetition, 'length of levels');
      if (repeated) new Runs(body.subarray(0, repetition)).check(1, here);
      if (optional) new Runs(body.subarray(repetition, levels)).check(1, here);
      const rest = body.subarray(levels);
      const content = new Runs(page2.is_compressed === false ? rest : unpack(column, rest, size - levels));
      content.values(page2.encoding, column.type, here);
      seen += here;
    } else if (header.type === 'DICTIONARY_PAGE' && dictionary !== undefined) {
      // An entry of text takes four bytes for its length, one of truth values a bit.
      count(dictionary.num_values, 8 * size, 'number of entries');
    } else {
      throw damaged('kind');
    }
  }
  if (seen !== values) throw damaged('number of values');
}

function unpack({ codec }: ColumnMetaData, bytes: Uint8Array, length: number): Uint8Array {
  const decompress = parquetCompressors[codec];
  if (decompress === undefined) throw new Error(`its pages are packed with ${codec}, which is not read`);
  return decompress(bytes, length);
}

/** Counts of the hybrid of runs and packed bits (Encodings.md, RLE = 3), which may say any number in a few bytes. */
class Runs {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Runs of width 1 after their length in four bytes. */
  withLength(values: number): void {
    const length = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.#at, 4).getUint32(0, true);
    this.#at += 4;
    const end = this.#at + count(length, this.#bytes.length - this.#at, 'length of levels');
    this.check(1, values, end);
    this.#at = end;
  }

  /** The values of a page, where they are runs. */
  values(encoding: string | undefined, type: string, values: number): void {
    if (encoding === 'RLE' && type === 'BOOLEAN') this.withLength(values);
    else if (encoding === 'RLE' || encoding === 'RLE_DICTIONARY' || encoding === 'PLAIN_DICTIONARY') {
      const width = this.#bytes[this.#at] ?? 0;
      this.#at += 1;
      this.check(count(width, 32, 'width of indexes'), values);
    }
  }

  check(width: number, values: number, end = this.#bytes.length): void {
    for (let seen = 0; seen < values && this.#at < end;) {
      const head = this.#number(end);
      const run = Math.floor(head / 2);
      if (head % 2 === 1) {
        // Packed values end with a whole group of eight.
        if (run * 8 > values + 7 && width === 0) throw damaged('run');
        this.#at += run * width;
        seen += run * 8;
      } else {
        seen += count(run, values, 'run');
        this.#at += Math.ceil(width / 8);
      }
    }
  }

  #number(end: number): number {
    let value = 0;
    for (let place = 0; place < 5 && this.#at < end; place += 1) {
      const byte = this.#bytes[this.#at++] ?? 0;
      value += (byte & 127) * 128 ** place;
      if (byte < 128) return value;
    }
    throw damaged('run');
  }
}

function count(value: unknown, most: number, what: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0 || value > most) throw damaged(what);
  return value;
}

function damaged(what: string): FileProblem {
  return new FileProblem('unreadable', `is damaged: the ${what} of one of its pages cannot be`);
}
