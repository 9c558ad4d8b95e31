import { readFile } from 'node:fs/promises';
import { parse } from 'node:path';
import { asReadError } from '../files/json-lines.ts';
import { decodeText } from './decode-text.ts';
import type { Decoded, TextEncoding } from './decode-text.ts';

export interface TextFile {
  readonly title: string;
  readonly content: Decoded;
}

/**
 * Reads a plain text or Markdown file. Title: the first Markdown heading (md only), else the file's name.
 * Errors: `not_found` and `invalid_input` where the file cannot be read.
 */
export async function readTextFile(path: string, importer: 'txt' | 'md', encoding: TextEncoding): Promise<TextFile> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw asReadError(path, error);
  }
  const content = decodeText(bytes, encoding);
  const heading = importer === 'md' && content.ok ? markdownTitle(content.text) : undefined;
  return { title: heading ?? parse(path).name, content };
}

/** The text of the first first-level heading (`# Title`), or undefined; a `#` line in a code block is none. */
export function markdownTitle(text: string): string | undefined {
  let fence: string | undefined;
  for (const line of text.split('\n', 200)) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (mark !== undefined) {
      if (fence === undefined) fence = mark;
      else if (mark.startsWith(fence)) fence = undefined;
      continue;
    }
    const heading = fence === undefined ? /^ {0,3}#[ \t]+(.*)$/.exec(line.slice(0, 300))?.[1] : undefined;
    const title = heading?.replace(/[ \t]#+[ \t]*$/, '').trim() ?? '';
    if (title !== '') return title;
  }
  return undefined;
}
