import { parse } from 'node:path';
import { zipSync } from 'fflate';
import mammoth from 'mammoth';
import { normaliseText } from './decode-text.ts';
import { htmlText } from './html-text.ts';
import { elementsBelow, localName, parseHtml, parseXml, textContent } from './html-tree.ts';
import { readWhole } from './read-whole.ts';
import { cleanTitle, FileProblem } from './reader.ts';
import type { FoundDocument, Source } from './reader.ts';
import { requireWellFormed } from './xml-check.ts';
import { ZipArchive } from './zip-archive.ts';

/**
 * Reads a Word document: headings (and the title) as Markdown headings, lists, tables and notes as text; images and
 * comments left out, tracked changes as if accepted. Title: the document's properties, else its first heading, else the
 * file's name.
 */
export async function* readDocxFile({ path }: Source): AsyncGenerator<FoundDocument> {
  const bytes = await readWhole(path);
  // Compound files (MS-CFB): what Word makes of an encrypted document, and the format before 2007.
  if (Buffer.from(bytes.subarray(0, 4)).toString('hex') === 'd0cf11e0') {
    throw new FileProblem('encrypted', 'is protected with a password, or is a document of Word before 2007 (.doc)');
  }
  const archive = new ZipArchive(bytes);
  const parts: Record<string, Uint8Array> = {};
  // Unpacked here, within bounds, and handed on unpacked: images and whatever else lies there is never looked at.
  for (const name of archive.names.filter((entry) => /\.(?:xml|rels)$/i.test(entry))) {
    const part = archive.get(name);
    if (part === undefined) continue;
    requireWellFormed(part.toString('utf8'), name);
    parts[name] = part;
  }
  if (!Object.keys(parts).some((name) => name === '[Content_Types].xml' || name.startsWith('word/'))) {
    throw new FileProblem('unreadable', 'is a zip archive but no Word document');
  }
  const { value } = await mammoth.convertToHtml(
    { buffer: Buffer.from(zipSync(parts, { level: 0 })) },
    { convertImage: mammoth.images.imgElement(async () => ({ src: '' })), externalFileAccess: false },
  );
  const { title, text } = htmlText(parseHtml(value.replaceAll(/ ?<a href="#(?:foot|end)note-ref-[^"]*">↑<\/a>/g, '')));
  const named = titleProperty(parts['docProps/core.xml']);
  yield { title: named ?? title ?? parse(path).name, line: null, content: normaliseText(text) };
}

function titleProperty(core: Uint8Array | undefined): string | undefined {
  if (core === undefined) return undefined;
  const properties = parseXml(Buffer.from(core).toString('utf8'));
  for (const element of elementsBelow(properties)) {
    if (localName(element) === 'title') return cleanTitle(textContent(element));
  }
  return undefined;
}
