import { parse } from 'node:path';
import { decodeText } from './decode-text.ts';
import { readWhole } from './read-whole.ts';
import type { FoundDocument, ReadOptions, Source } from './reader.ts';

/** Reads a plain text or Markdown file. Title: the first Markdown heading (md only), else the file's name. */
export async function* readTextFile(
  { path, importer }: Source,
  { encoding, maxBytes }: ReadOptions,
): AsyncGenerator<FoundDocument> {
  // UTF-16 takes up to twice the bytes of UTF-8.
  const content = decodeText(await readWhole(path, 2 * maxBytes), encoding);
  const heading = importer === 'md' && content.ok ? markdownTitle(content.text) : undefined;
  yield { title: heading ?? parse(path).name, line: null, content };
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
