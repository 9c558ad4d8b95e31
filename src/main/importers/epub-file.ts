import { parse, posix } from 'node:path';
import { normaliseText } from './decode-text.ts';
import { decodeHtml } from './html-file.ts';
import { htmlText } from './html-text.ts';
import { attribute, elementsBelow, localName, parseXml, textContent } from './html-tree.ts';
import type { Element } from './html-tree.ts';
import { readWhole } from './read-whole.ts';
import { cleanTitle, FileProblem } from './reader.ts';
import type { FoundDocument, Source } from './reader.ts';
import { ZipArchive } from './zip-archive.ts';

/**
 * Reads an e-book (EPUB 2 and 3): its chapters in the order of the spine as one document in Markdown. Title: the
 * book's, else the file's name. Books with digital rights management are refused.
 */
export async function* readEpubFile({ path }: Source): AsyncGenerator<FoundDocument> {
  const archive = new ZipArchive(await readWhole(path));
  refuseProtected(archive);
  const container = xmlElements(archive, 'META-INF/container.xml');
  const packagePath = container
    .filter((element) => localName(element) === 'rootfile')
    .map((element) => attribute(element, 'full-path'))
    .find((full) => full !== undefined);
  if (packagePath === undefined)
    throw new FileProblem('unreadable', 'is no EPUB: it does not say where its package is');
  const elements = xmlElements(archive, packagePath);
  const titleElement = elements.find((element) => element.tagName === 'dc:title');
  const chapters: string[] = [];
  for (const file of spine(elements, packagePath)) {
    const bytes = archive.get(file);
    if (bytes === undefined)
      throw new FileProblem('unreadable', `is damaged: its chapter ${JSON.stringify(file)} is missing`);
    const decoded = decodeHtml(bytes, 'auto');
    if (!decoded.ok)
      throw new FileProblem('unreadable', `is damaged: its chapter ${JSON.stringify(file)} ${decoded.reason}`);
    const { text } = htmlText(parseXml(decoded.text));
    if (text !== '') chapters.push(text);
  }
  const title = titleElement === undefined ? undefined : cleanTitle(textContent(titleElement));
  yield { title: title ?? parse(path).name, line: null, content: normaliseText(chapters.join('\n\n')) };
}

/** Paths of the chapters that are read one after another (`linear`), without the table of contents. */
function spine(elements: readonly Element[], packagePath: string): string[] {
  const files = new Map<string, string>();
  for (const item of elements.filter((element) => localName(element) === 'item')) {
    const id = attribute(item, 'id');
    const href = attribute(item, 'href');
    const type = attribute(item, 'media-type') ?? '';
    const isContents = attribute(item, 'properties')?.split(/\s+/).includes('nav') === true;
    if (id === undefined || href === undefined || !/html|^text\/x-oeb1-document$/.test(type) || isContents) continue;
    files.set(id, posix.join(posix.dirname(packagePath), decoded(href.replace(/#.*$/s, ''))));
  }
  const order = elements
    .filter((element) => localName(element) === 'itemref' && attribute(element, 'linear') !== 'no')
    .map((element) => files.get(attribute(element, 'idref') ?? ''))
    .filter((file) => file !== undefined);
  return [...new Set(order)];
}

function decoded(href: string): string {
  try {
    return decodeURIComponent(href);
  } catch {
    return href;
  }
}

/** Fonts may be obscured in any book; an encrypted chapter or a file of rights means rights management. */
function refuseProtected(archive: ZipArchive): void {
  const refuse = (): never => {
    throw new FileProblem('encrypted', 'is protected by digital rights management');
  };
  if (archive.names.some((name) => /^META-INF\/(?:rights|sinf|license)\.(?:xml|lcpl)$/i.test(name))) refuse();
  if (!archive.names.includes('META-INF/encryption.xml')) return;
  const fontsOnly = xmlElements(archive, 'META-INF/encryption.xml')
    .filter((element) => localName(element) === 'encryptionmethod')
    .every((element) => /\/embedding$|\/enc#RC$/i.test(attribute(element, 'algorithm') ?? ''));
  if (!fontsOnly) refuse();
}

function xmlElements(archive: ZipArchive, name: string): Element[] {
  const bytes = archive.get(name);
  if (bytes === undefined) throw new FileProblem('unreadable', `is no EPUB: it holds no ${JSON.stringify(name)}`);
  const content = decodeHtml(bytes, 'auto');
  if (!content.ok) throw new FileProblem('unreadable', `is damaged: ${JSON.stringify(name)} ${content.reason}`);
  return [...elementsBelow(parseXml(content.text))];
}
