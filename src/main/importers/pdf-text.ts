import { joinLines } from './pdf-layout.ts';

/**
 * The paragraphs of all pages as one text, a blank line between them. A paragraph that a page's end cuts is put
 * together: the one before ends without a full stop and the next one starts with a small letter.
 */
export function joinPages(pages: readonly (readonly string[])[]): string {
  const paragraphs: string[] = [];
  for (const page of pages) {
    for (const [index, raw] of page.entries()) {
      const paragraph = clean(raw);
      if (paragraph === '') continue;
      const last = paragraphs.at(-1);
      if (index === 0 && last !== undefined && /[\p{L}\p{N},;-]$/u.test(last) && /^\p{Ll}/u.test(paragraph)) {
        paragraphs[paragraphs.length - 1] = joinLines([last, paragraph]);
      } else {
        paragraphs.push(paragraph);
      }
    }
  }
  return paragraphs.join('\n\n');
}

/** Fonts with a broken table of characters give control characters and halves of pairs: they carry no text. */
function clean(raw: string): string {
  return raw.replaceAll(controls, '').toWellFormed().replaceAll(/\s+/g, ' ').trim();
}

const controls = new RegExp('[\\u0000-\\u0008\\u000e-\\u001f\\u007f-\\u009f\\u00ad]', 'g');
