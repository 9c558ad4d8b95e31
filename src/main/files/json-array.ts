import { createReadStream } from 'node:fs';
import { UserError } from '../../shared/errors.ts';
import { asReadError, maxLineBytes } from './json-lines.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN = [0x5b, 0x7b];
const CLOSE = [0x5d, 0x7d];
const SPACE = [0x20, 0x09, 0x0a, 0x0d];

/**
 * Reads the elements of a JSON file that is one array, `item` counting from 1, without loading it whole: LongBench v2 is
 * longer than a string may be. An element may have as many bytes as a line of JSON Lines.
 * Errors: `not_found`, and `invalid_input` naming file and element for what is not UTF-8, not JSON, too long or not an array.
 */
export async function* readJsonArray(path: string): AsyncGenerator<{ item: number; value: unknown }> {
  const refuse = (item: number, problem: string): UserError =>
    new UserError('invalid_input', `${path}${item === 0 ? '' : `, item ${item}`} ${problem}.`, {
      hint: 'The file is UTF-8 text with one JSON list of objects.',
      place: { file: path },
    });
  let item = 0;
  /** Depth of open brackets; 1 = in the list itself. */
  let depth = 0;
  let inString = false;
  let escaped = false;
  let ended = false;
  /** After a comma an element must follow. */
  let expected = false;
  let pieces: Buffer[] = [];
  let size = 0;

  const element = (): unknown => {
    const bytes = Buffer.concat(pieces);
    pieces = [];
    size = 0;
    item += 1;
    let text: string;
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
      throw refuse(item, 'is not valid UTF-8');
    }
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      throw refuse(item, `is not JSON (${error instanceof Error ? error.message : String(error)})`);
    }
  };
  const isEmpty = (): boolean => pieces.every((piece) => piece.every((byte) => SPACE.includes(byte)));

  let first = true;
  try {
    for await (const block of createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>) {
      let start = 0;
      let at = 0;
      if (first && block[0] === 0xef && block[1] === 0xbb && block[2] === 0xbf) at = start = 3; // byte order mark
      first = false;
      for (; at < block.length; at += 1) {
        const byte = block[at] ?? 0;
        if (inString) {
          if (escaped) escaped = false;
          else if (byte === BACKSLASH) escaped = true;
          else if (byte === QUOTE) inString = false;
        } else if (depth === 0) {
          if (SPACE.includes(byte)) continue;
          if (ended || byte !== OPEN[0]) throw refuse(0, ended ? 'goes on after its list' : 'is not a JSON list');
          depth = 1;
          start = at + 1;
        } else if (byte === QUOTE) inString = true;
        else if (OPEN.includes(byte)) depth += 1;
        else if (CLOSE.includes(byte)) {
          depth -= 1;
          if (depth > 0) continue;
          pieces.push(block.subarray(start, at));
          ended = true;
          if (!isEmpty()) yield { item: item + 1, value: element() };
          else if (expected) throw refuse(item + 1, 'is missing');
          start = at + 1;
        } else if (byte === COMMA && depth === 1) {
          pieces.push(block.subarray(start, at));
          if (isEmpty()) throw refuse(item + 1, 'is missing');
          yield { item: item + 1, value: element() };
          expected = true;
          start = at + 1;
        }
      }
      if (depth > 0) {
        pieces.push(block.subarray(start));
        size += block.length - start;
        if (size > maxLineBytes) throw refuse(item + 1, `is longer than ${maxLineBytes / 1024 / 1024} MiB`);
      }
    }
  } catch (error) {
    throw asReadError(path, error);
  }
  if (!ended) throw refuse(0, depth === 0 ? 'is not a JSON list' : 'ends before its list does');
}
