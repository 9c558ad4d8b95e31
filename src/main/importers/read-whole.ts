import { open } from 'node:fs/promises';
import { asReadError } from '../files/json-lines.ts';
import { FileProblem } from './reader.ts';

/** Largest file of a format that is parsed whole: its parsed form takes several times as much. */
export const maxParsedBytes = 256 * 1024 * 1024;

/**
 * The bytes of a file, which is not opened at all where it is too large.
 * Errors: `FileProblem` (`too_large`), and the errors of `asReadError`.
 */
export async function readWhole(path: string, limit: number = maxParsedBytes): Promise<Uint8Array> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    if (size > limit) throw new FileProblem('too_large', tooLarge(size, limit));
    return await file.readFile();
  } catch (error) {
    throw asReadError(path, error);
  }
}

export function tooLarge(bytes: number, limit: number): string {
  return `has ${bytes.toLocaleString('en')} bytes, more than the ${limit.toLocaleString('en')} allowed`;
}
