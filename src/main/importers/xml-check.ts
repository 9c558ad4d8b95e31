import { FileProblem } from './reader.ts';

/** Deeper nesting is no document: Word nests a few dozen levels for a table in a table. */
const maxDepth = 1000;

/** Between tags: text, comments, CDATA and instructions; a tag with its quoted attributes. Nothing can match in two ways. */
const text = /[^<]+/y;
const aside = /<(?:!--[\s\S]*?-->|!\[CDATA\[[\s\S]*?\]\]>|\?[\s\S]*?\?>)/y;
const tag = /<(\/?)([^\s<>/="'!?]+)((?:\s+[^\s<>/="']+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/y;

/**
 * Checks that an XML text is well-formed as far as its shape goes (XML 1.0, 2.1): one root, tags closed in order,
 * attributes quoted. In one pass, before a parser that mends what is broken: xmldom, which mammoth uses, takes time that
 * grows with the square of what stands outside of the root.
 * @param name the part's name, for the message
 * @throws FileProblem (`unreadable`, `unsupported` for a document type, whose entities could grow without bound)
 */
export function requireWellFormed(xml: string, name: string): void {
  const broken = (what: string): FileProblem => new FileProblem('unreadable', `is damaged: its part ${name} ${what}`);
  const open: string[] = [];
  let roots = 0;
  let at = xml.startsWith('\ufeff') ? 1 : 0;
  const next = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(xml);
    if (found !== null) at = pattern.lastIndex;
    return found;
  };
  while (at < xml.length) {
    const between = next(text);
    if (between !== null) {
      if (open.length === 0 && between[0].trim() !== '') throw broken('has text outside of its root');
      continue;
    }
    if (next(aside) !== null) continue;
    if (xml.startsWith('<!DOCTYPE', at))
      throw new FileProblem('unsupported', `has a document type in its part ${name}, which no Word document has`);
    const found = next(tag);
    if (found === null) throw broken('has a tag that is cut off');
    const [, closing, element = '', attributes = '', alone] = found;
    if (closing === '/') {
      if (open.pop() !== element || attributes !== '' || alone === '/') throw broken('closes a tag that is not open');
      continue;
    }
    if (open.length === 0 && (roots += 1) > 1) throw broken('has more than one root');
    if (alone === '/') continue;
    open.push(element);
    if (open.length > maxDepth) throw broken(`nests its elements more than ${maxDepth} deep`);
  }
  if (open.length > 0 || roots === 0) throw broken('ends too early');
}
