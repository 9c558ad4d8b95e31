import type { DefaultTreeAdapterTypes } from 'parse5';
import { attribute, elementsBelow, isElement, localName, textContent } from './html-tree.ts';
import type { Element } from './html-tree.ts';
import { cleanTitle } from './reader.ts';

export interface HtmlText {
  /** The document's title, else its first first-level heading. */
  readonly title: string | undefined;
  readonly text: string;
}

const dropped = new Set([
  ...['script', 'style', 'template', 'noscript', 'nav', 'iframe', 'object', 'embed', 'svg', 'canvas', 'audio', 'video'],
  ...['button', 'select', 'datalist', 'input', 'textarea', 'dialog', 'head', 'title', 'rp', 'rt'],
]);
const droppedRoles = new Set(['navigation', 'banner', 'contentinfo', 'search', 'dialog', 'menu', 'menubar', 'toolbar']);
const inline = new Set([
  ...['a', 'abbr', 'acronym', 'b', 'bdi', 'bdo', 'big', 'cite', 'code', 'data', 'del', 'dfn', 'em', 'font', 'i', 'ins'],
  ...['kbd', 'label', 'mark', 'math', 'output', 'q', 'ruby', 's', 'samp', 'small', 'span', 'strike', 'strong', 'sub'],
  ...['sup', 'time', 'tt', 'u', 'var', 'wbr', 'nobr', 'slot', 'rb', 'rtc', 'mi', 'mo', 'mn', 'mrow', 'msup', 'msub'],
  ...['mfrac', 'mtext', 'semantics', 'img', 'meter', 'progress'],
]);

/**
 * The main text of a page as Markdown: headings with `#`, list items with `-` or numbers, code in fences, table rows
 * with ` | `, blocks with a blank line between them. Taken from the only `main` (else the only `article`) where the page
 * has one; scripts, styles, navigation, controls and what is hidden are left out.
 */
export function htmlText(document: DefaultTreeAdapterTypes.Document): HtmlText {
  let title: string | undefined;
  let heading: string | undefined;
  let body: Element | undefined;
  const mains: Element[] = [];
  const articles: Element[] = [];
  for (const element of elementsBelow(document)) {
    const { tagName } = element;
    if (tagName === 'title') title ??= cleanTitle(textContent(element));
    else if (tagName === 'h1') heading ??= cleanTitle(textContent(element));
    else if (tagName === 'body') body ??= element;
    else if (tagName === 'article') articles.push(element);
    if (tagName === 'main' || attribute(element, 'role') === 'main') mains.push(element);
  }
  const root = [mains, articles]
    .map(only)
    .find((element) => element !== undefined && textContent(element).trim() !== '');
  const blocks = new Blocks();
  for (const child of (root ?? body ?? document).childNodes) blocks.add(child, root !== undefined);
  return { title: title ?? heading, text: blocks.finish() };
}

function only<T>(items: readonly T[]): T | undefined {
  return items.length === 1 ? items[0] : undefined;
}

type BlockKind = 'item' | 'row' | 'other';

/** Collects a tree's text block by block. */
class Blocks {
  readonly #done: string[] = [];
  #line: string[] = [];
  #prefix = '';
  /** What was pushed last: items and rows follow each other without a blank line. */
  #last: BlockKind | undefined;
  /** Inside a cell of a table the ends of blocks are spaces. */
  #inRow = false;
  readonly #lists: { readonly ordered: boolean; number: number }[] = [];

  add(node: DefaultTreeAdapterTypes.ChildNode, inArticle: boolean): void {
    if ('value' in node) {
      this.#line.push(cleanText(node.value));
      return;
    }
    if (!isElement(node)) return;
    const name = localName(node);
    if (isDropped(node, name, inArticle)) return;
    const children = (): void => {
      const below = inArticle || name === 'article' || name === 'section' || name === 'main';
      for (const child of node.childNodes) this.add(child, below);
    };
    if (name === 'br') this.#line.push(this.#inRow ? ' ' : '\n');
    else if (inline.has(name)) children();
    else if (/^h[1-6]$/.test(name)) this.#block(`${'#'.repeat(Number(name[1]))} `, children);
    else if (name === 'pre' && !this.#inRow) this.#code(node);
    else if (name === 'ul' || name === 'ol' || name === 'menu') this.#list(node, name === 'ol', children);
    else if (name === 'li') this.#item(children);
    else if (name === 'tr' && isDataRow(node)) this.#row(node, inArticle);
    else {
      this.#block('', children);
      if (name === 'table') this.#last = 'other';
    }
  }

  finish(): string {
    this.#end();
    return this.#done.join('').trim();
  }

  #block(prefix: string, children: () => void): void {
    this.#end();
    if (!this.#inRow && prefix !== '') this.#prefix = prefix;
    children();
    this.#end();
    if (prefix !== '') this.#prefix = '';
  }

  #list(list: Element, ordered: boolean, children: () => void): void {
    this.#end();
    const start = Number.parseInt(attribute(list, 'start') ?? '1', 10);
    this.#lists.push({ ordered, number: Number.isSafeInteger(start) ? start : 1 });
    children();
    this.#end();
    this.#lists.pop();
    if (this.#lists.length === 0) this.#last = 'other';
  }

  #item(children: () => void): void {
    this.#end();
    const list = this.#lists.at(-1);
    const mark = list?.ordered === true ? `${list.number++}. ` : '- ';
    this.#prefix = `${'  '.repeat(Math.max(0, this.#lists.length - 1))}${mark}`;
    children();
    this.#end();
    this.#prefix = '';
  }

  #row(row: Element, inArticle: boolean): void {
    this.#end();
    this.#inRow = true;
    let first = true;
    for (const cell of row.childNodes) {
      if (!isElement(cell) || isDropped(cell, localName(cell), inArticle)) continue;
      if (!first) this.#line.push(' | ');
      first = false;
      for (const child of cell.childNodes) this.add(child, inArticle);
    }
    this.#inRow = false;
    this.#end('row');
  }

  #code(node: Element): void {
    this.#end();
    const code = preText(node).replace(/^\n/, '').replace(/\s+$/, '');
    if (code.trim() === '') return;
    const longest = Math.max(2, ...[...code.matchAll(/`{3,}/g)].map(([run]) => run.length));
    const fence = '`'.repeat(longest + 1);
    this.#push(`${fence}\n${code}\n${fence}`, 'other');
  }

  #end(kind: BlockKind = this.#lists.length > 0 ? 'item' : 'other'): void {
    if (this.#inRow) {
      this.#line.push(' ');
      return;
    }
    const text = this.#line
      .join('')
      .replaceAll(/ *\n */g, '\n')
      .replaceAll(/ {2,}/g, ' ')
      .trim();
    this.#line = [];
    if (text === '') return;
    // A heading is one line.
    this.#push(this.#prefix + (this.#prefix.startsWith('#') ? text.replaceAll('\n', ' ') : text), kind);
    // The rest of an item belongs to it without a mark of its own.
    if (!this.#prefix.startsWith('#')) this.#prefix = ' '.repeat(this.#prefix.length);
  }

  #push(block: string, kind: BlockKind): void {
    if (this.#last !== undefined) this.#done.push(kind === this.#last && kind !== 'other' ? '\n' : '\n\n');
    this.#done.push(block);
    this.#last = kind;
  }
}

function isDropped(element: Element, name: string, inArticle: boolean): boolean {
  if (dropped.has(name) || (name === 'footer' && !inArticle)) return true;
  for (const { name: key, value } of element.attrs) {
    if (key === 'hidden' && value !== 'until-found') return true;
    if (key === 'aria-hidden' && value === 'true' && name !== 'math') return true;
    if (key === 'role' && droppedRoles.has(value)) return true;
    if (key === 'style' && value.length < 1000 && /(?:^|;)\s*display\s*:\s*none/i.test(value)) return true;
  }
  return false;
}

/** Whether each cell holds one piece of text; tables for layout hold whole blocks, which stay blocks. */
function isDataRow(row: Element): boolean {
  let cells = 0;
  for (const cell of row.childNodes) {
    if (!isElement(cell)) continue;
    cells += 1;
    let paragraphs = 0;
    for (const element of elementsBelow(cell)) {
      if (/^(?:table|h[1-6]|ul|ol|dl|pre|blockquote|article|section)$/.test(element.tagName)) return false;
      if (element.tagName === 'p') paragraphs += 1;
      if (paragraphs > 2) return false;
    }
  }
  return cells > 1;
}

/** Text without control characters and soft hyphens, each run of white space one space. */
function cleanText(raw: string): string {
  return raw
    .replaceAll(/[\t\n\f\r ]+/g, ' ')
    .replaceAll(controls, '')
    .toWellFormed();
}

function preText(node: Element): string {
  const parts: string[] = [];
  const visit = (child: DefaultTreeAdapterTypes.ChildNode): void => {
    if ('value' in child) parts.push(child.value);
    else if (isElement(child)) {
      if (child.tagName === 'br') parts.push('\n');
      else child.childNodes.forEach(visit);
    }
  };
  node.childNodes.forEach(visit);
  return parts.join('').replaceAll(controls, '').toWellFormed();
}

/** All of C0 and C1 but tab and line feed, and the soft hyphen. */
const controls = new RegExp('[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad]', 'g');
