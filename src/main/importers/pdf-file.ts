import { parse } from 'node:path';
import { getDocumentProxy } from 'unpdf';
import { normaliseText } from './decode-text.ts';
import { pageBlocks } from './pdf-layout.ts';
import type { PageItem } from './pdf-layout.ts';
import { joinPages } from './pdf-text.ts';
import { readWhole } from './read-whole.ts';
import { cleanTitle, FileProblem } from './reader.ts';
import type { FoundDocument, Source } from './reader.ts';

type PdfDocument = Awaited<ReturnType<typeof getDocumentProxy>>;

/**
 * Reads the text of a PDF in reading order, paragraphs with blank lines between them, words that a line's end had
 * hyphenated put together. Title: the document's, else the file's name.
 * Errors: `FileProblem`: `encrypted` where a password is needed, `empty` where no page has text (scans), `unsupported`
 * where a font needs a character table that is not in the file (some Chinese, Japanese and Korean ones).
 */
export async function* readPdfFile({ path }: Source): AsyncGenerator<FoundDocument> {
  const missing = new Set<string>();
  const pdf = await openPdf(await readWhole(path), missing);
  try {
    const pages: string[][] = [];
    for (let number = 1; number <= pdf.numPages; number++) pages.push(await readPage(pdf, number));
    if (missing.size > 0) {
      const tables = [...missing].slice(0, 3).join(', ');
      const reason = `uses fonts without their character tables (${tables}), so that text would be missing; save it with embedded fonts`;
      throw new FileProblem('unsupported', reason);
    }
    const text = joinPages(pages);
    if (text === '') {
      const count = pdf.numPages === 1 ? '1 page' : `${pdf.numPages.toLocaleString('en')} pages`;
      throw new FileProblem(
        'empty',
        `has ${count} but no text; if they are scans, run text recognition (OCR) on them first`,
      );
    }
    yield { title: (await titleOf(pdf)) ?? parse(path).name, line: null, content: normaliseText(text) };
  } finally {
    await pdf.loadingTask.destroy();
  }
}

/** @param missing takes the names of predefined character tables (CMaps) that a font needs and that are not at hand */
async function openPdf(bytes: Uint8Array, missing: Set<string>): Promise<PdfDocument> {
  /** What pdf.js asks for files beside the document; here there are none, and nothing is ever fetched. */
  class NoFiles {
    async fetch({ kind, filename }: { readonly kind: string; readonly filename: string }): Promise<never> {
      if (kind === 'cMapUrl') missing.add(filename.replace(/\.bcmap$/, '').slice(0, 60));
      throw new Error(`${filename} is not at hand`);
    }
  }
  try {
    return await getDocumentProxy(new Uint8Array(bytes), {
      // Nothing is drawn: no fonts of the system, no images, no forms' scripts; the console stays quiet.
      useSystemFonts: false,
      disableFontFace: true,
      enableXfa: false,
      isImageDecoderSupported: false,
      useWasm: false,
      useWorkerFetch: false,
      BinaryDataFactory: NoFiles,
      maxImageSize: 0,
      stopAtErrors: false,
      verbosity: 0,
    });
  } catch (error) {
    if (error instanceof Error && error.name === 'PasswordException') {
      throw new FileProblem('encrypted', 'is protected with a password; save it without one first');
    }
    throw error;
  }
}

async function readPage(pdf: PdfDocument, number: number): Promise<string[]> {
  try {
    const page = await pdf.getPage(number);
    const { items } = await page.getTextContent({ includeMarkedContent: false, disableNormalization: false });
    page.cleanup();
    const found: PageItem[] = [];
    for (const item of items) {
      if (!('str' in item)) continue;
      const [, , c = 0, d = 0, x = 0, y = 0] = item.transform as number[];
      found.push({ text: item.str, x, y, width: item.width, size: Math.hypot(c, d), endOfLine: item.hasEOL });
    }
    return pageBlocks(found);
  } catch (error) {
    throw new FileProblem(
      'unreadable',
      `is damaged on page ${number}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

async function titleOf(pdf: PdfDocument): Promise<string | undefined> {
  try {
    const { info } = await pdf.getMetadata();
    const title: unknown = 'Title' in info ? info.Title : undefined;
    return typeof title === 'string' ? cleanTitle(title) : undefined;
  } catch {
    // Its text is there; only the note about it is broken.
    return undefined;
  }
}
