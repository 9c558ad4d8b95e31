import { parse } from 'node:path';
import { decodeText, normaliseText } from './decode-text.ts';
import type { Decoded, TextEncoding } from './decode-text.ts';
import { htmlText } from './html-text.ts';
import { parseHtml, parseXml } from './html-tree.ts';
import { readWhole } from './read-whole.ts';
import type { FoundDocument, ReadOptions, Source } from './reader.ts';

/** Reads a web page: its main text as Markdown. Title: the page's, else its first heading, else the file's name. */
export async function* readHtmlFile({ path }: Source, { encoding }: ReadOptions): AsyncGenerator<FoundDocument> {
  const content = decodeHtml(await readWhole(path), encoding);
  const fallback = parse(path).name;
  if (!content.ok) {
    yield { title: fallback, line: null, content };
    return;
  }
  const isXml = content.text.startsWith('<?xml') || path.toLowerCase().endsWith('.xhtml');
  const { title, text } = htmlText(isXml ? parseXml(content.text) : parseHtml(content.text));
  yield { title: title ?? fallback, line: null, content: normaliseText(text) };
}

/**
 * Decodes a page: by its byte order mark, else by the `meta` (or XML declaration) in its first kilobyte, as HTML's
 * standard says; else as a text file. A person's choice comes first.
 */
export function decodeHtml(bytes: Uint8Array, encoding: TextEncoding): Decoded {
  const marked = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  const declared = encoding === 'auto' && !marked ? declaredCharset(bytes) : undefined;
  if (declared === undefined) return decodeText(bytes, encoding);
  let decoder: InstanceType<typeof TextDecoder>;
  try {
    decoder = new TextDecoder(declared, { fatal: true });
  } catch {
    return decodeText(bytes, encoding);
  }
  // A page that can be read up to here is not UTF-16, whatever it says.
  if (decoder.encoding === 'utf-8' || decoder.encoding.startsWith('utf-16')) return decodeText(bytes, encoding);
  try {
    // A NUL is a parse error of HTML, not a sign of another kind of file.
    return { ok: true, text: decoder.decode(bytes) };
  } catch {
    return { ok: false, line: null, reason: `says that it is ${decoder.encoding} but is not valid` };
  }
}

function declaredCharset(bytes: Uint8Array): string | undefined {
  const start = Buffer.from(bytes.subarray(0, 1024)).toString('latin1');
  const xml = /^(?:\xef\xbb\xbf)?<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([\w.:-]{1,40})/.exec(start)?.[1];
  const meta = /<meta\s[^>]{0,300}?charset\s*=\s*["']?\s*([\w.:-]{1,40})/i.exec(start)?.[1];
  return xml ?? meta;
}
