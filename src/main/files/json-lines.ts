import { createReadStream } from 'node:fs';
import { UserError } from '../../shared/errors.ts';

const newline = 0x0a;

/**
 * Longest line that is read, in bytes. A line must fit in one string; the limit also keeps a file without any line
 * break (not JSON Lines at all) from filling the memory.
 */
export const maxLineBytes = 256 * 1024 * 1024;

/**
 * Reads a JSON Lines file (UTF-8, one value a line) without loading it whole; `line` counts from 1. Blank lines are
 * skipped, a byte order mark and CRLF are accepted. Only LF ends a line: U+2028 may stand inside a JSON string.
 * Errors: `not_found`, and `invalid_input` naming file and line for a line that is not UTF-8, not JSON or too long.
 */
export async function* readJsonLines(path: string): AsyncGenerator<{ line: number; value: unknown }> {
  for await (const { line, bytes } of readLines(path)) {
    const value = parseLine(path, line, bytes);
    if (value !== undefined) yield { line, value };
  }
}

async function* readLines(path: string): AsyncGenerator<{ line: number; bytes: Buffer }> {
  let line = 1;
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  try {
    for await (const block of createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>) {
      let start = 0;
      for (let end = block.indexOf(newline); end !== -1; end = block.indexOf(newline, start)) {
        pending.push(block.subarray(start, end));
        yield { line, bytes: pending.length === 1 ? block.subarray(start, end) : Buffer.concat(pending) };
        pending = [];
        pendingBytes = 0;
        start = end + 1;
        line += 1;
      }
      pending.push(block.subarray(start));
      pendingBytes += block.length - start;
      if (pendingBytes > maxLineBytes) {
        throw lineError(path, line, `is longer than ${maxLineBytes / 1024 / 1024} MiB`);
      }
    }
  } catch (error) {
    throw asReadError(path, error);
  }
  yield { line, bytes: Buffer.concat(pending) };
}

function parseLine(path: string, line: number, bytes: Buffer): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: line !== 1 }).decode(bytes);
  } catch {
    throw lineError(path, line, 'is not valid UTF-8');
  }
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw lineError(path, line, `is not JSON (${error instanceof Error ? error.message : String(error)})`);
  }
}

function lineError(path: string, line: number, problem: string): UserError {
  return new UserError('invalid_input', `${path}, line ${line} ${problem}.`, {
    hint: 'JSON Lines files are UTF-8 text with one complete JSON value on each line.',
    place: { file: path, line },
  });
}

/** The sentence for a file that cannot be read; other errors are returned as they are. */
export function asReadError(path: string, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const options = (hint: string) => ({ hint, place: { file: path }, cause: error });
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new UserError('not_found', `${path} does not exist.`, options('Check the path.'));
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new UserError('invalid_input', `${path} may not be read.`, options('Change the permissions of the file.'));
  }
  if (code === 'EISDIR') {
    return new UserError('invalid_input', `${path} is a folder, not a file.`, options('Name a file.'));
  }
  return error;
}
