import { defaultTreeAdapter, parse } from 'parse5';
import type { DefaultTreeAdapterTypes } from 'parse5';
import { FileProblem } from './reader.ts';

export type Element = DefaultTreeAdapterTypes.Element;
type Node = DefaultTreeAdapterTypes.Node;

/** Deeper nesting is no document: browsers stop at 512. Each level makes the parser's work on every tag longer. */
const maxDepth = 1000;

/**
 * Parses HTML as browsers do (parse5). Only a tree comes of it: no script runs and nothing is fetched.
 * Errors: `FileProblem` (`unreadable`) for nesting without end.
 */
export function parseHtml(html: string): DefaultTreeAdapterTypes.Document {
  let depth = 0;
  return parse(html, {
    scriptingEnabled: false,
    treeAdapter: {
      ...defaultTreeAdapter,
      onItemPush: () => {
        depth += 1;
        if (depth > maxDepth) throw new FileProblem('unreadable', `nests its elements more than ${maxDepth} deep`);
      },
      onItemPop: () => {
        depth -= 1;
      },
    },
  });
}

/**
 * XML as HTML: `<title/>` and the like, which HTML reads as opened only, are closed. Entities that a document defines
 * itself stay unexpanded.
 */
export function parseXml(xml: string): DefaultTreeAdapterTypes.Document {
  const voids = 'br|hr|img|input|meta|link|col|area|base|embed|param|source|track|wbr';
  return parseHtml(
    xml.replaceAll(new RegExp(`<(?!(?:${voids})[\\s/])([A-Za-z][\\w:.-]*)(\\s[^<>]*)?/>`, 'gi'), '<$1$2></$1>'),
  );
}

/** All elements below a node, in document order. */
export function* elementsBelow(node: Node): Generator<Element> {
  if (!('childNodes' in node)) return;
  for (const child of node.childNodes) {
    if (!isElement(child)) continue;
    yield child;
    yield* elementsBelow(child);
  }
}

/** The part of an element's name after the prefix: `title` of `dc:title`. */
export function localName(element: Element): string {
  return element.tagName.slice(element.tagName.indexOf(':') + 1);
}

export function attribute(element: Element, name: string): string | undefined {
  return element.attrs.find((entry) => entry.name === name)?.value;
}

export function isElement(node: Node): node is Element {
  return 'tagName' in node;
}

/** All text below a node, as it stands. */
export function textContent(node: Node): string {
  if ('value' in node) return node.value;
  return 'childNodes' in node ? node.childNodes.map(textContent).join('') : '';
}
