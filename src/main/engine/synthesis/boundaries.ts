/** What kind of place in a text a boundary is, strongest first; a chunk prefers to end at a strong one. */
export const BoundaryStrength = {
  /** Before a Markdown heading of level 1; level n is `heading + n - 1`. */
  heading: 0,
  paragraph: 6,
  sentence: 7,
  line: 8,
  word: 9,
  /** Inside a word, every 16 code points; only for words that exceed the bound alone. */
  piece: 10,
  codePoint: 11,
} as const;

/** A stretch of text without white space at its edges; `strength` is that of the boundary before it. */
export interface TextUnit {
  readonly start: number;
  readonly end: number;
  readonly strength: number;
}

/** Abbreviations whose full stop does not end a sentence when a capital letter follows. */
const ABBREVIATIONS = new Set(
  'mr mrs ms dr prof st jr sr vs etc fig figs eq eqs sec refs vol pp inc ltd corp e.g i.e cf ca approx'.split(' '),
);

/**
 * Splits a text into its sentences (or lines, where a line ends before the sentence does), in order. Everything between
 * two units is white space. Linear in the length of the text.
 * @param markdown headings (`# ...` outside fenced code) become strong boundaries
 */
export function splitIntoUnits(text: string, markdown: boolean): TextUnit[] {
  const units: TextUnit[] = [];
  let fence: string | null = null;
  let blankBefore = true;
  let headingBefore = false;
  let sentenceOpen = false;
  for (let lineStart = 0; lineStart < text.length;) {
    const newline = text.indexOf('\n', lineStart);
    const lineEnd = newline === -1 ? text.length : newline;
    const line = text.slice(lineStart, lineEnd);
    if (line.trim() === '') {
      blankBefore = true;
    } else {
      let level = 0;
      if (markdown) {
        const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
        if (mark !== undefined && fence === null) fence = mark;
        else if (mark !== undefined && fence !== null && mark.startsWith(fence)) fence = null;
        if (fence === null) level = /^ {0,3}(#{1,6})(?:\s|$)/.exec(line)?.[1]?.length ?? 0;
      }
      let strength: number;
      if (level > 0) strength = BoundaryStrength.heading + level - 1;
      else if (headingBefore)
        strength = BoundaryStrength.word; // a chunk should not end with a heading
      else if (blankBefore) strength = BoundaryStrength.paragraph;
      else strength = sentenceOpen ? BoundaryStrength.line : BoundaryStrength.sentence;
      sentenceOpen = pushSentences(text, lineStart, lineEnd, strength, units);
      headingBefore = level > 0;
      blankBefore = false;
    }
    lineStart = lineEnd + 1;
  }
  return units;
}

/** Splits a unit one step finer: into words, then pieces of 16 code points, then single code points. */
export function splitFiner(text: string, unit: TextUnit): TextUnit[] {
  const content = text.slice(unit.start, unit.end);
  const parts: { start: number; end: number }[] = [];
  let inner: number = BoundaryStrength.word;
  for (const match of content.matchAll(/\S+/g)) parts.push({ start: match.index, end: match.index + match[0].length });
  if (parts.length === 1) {
    const points = [...content];
    const size = points.length > 16 ? 16 : 1;
    inner = size === 16 ? BoundaryStrength.piece : BoundaryStrength.codePoint;
    parts.length = 0;
    for (let i = 0, at = 0; i < points.length; i += size) {
      const length = points.slice(i, i + size).join('').length;
      parts.push({ start: at, end: at + length });
      at += length;
    }
  }
  return parts.map((part, i) => ({
    start: unit.start + part.start,
    end: unit.start + part.end,
    strength: i === 0 ? unit.strength : inner,
  }));
}

/** Adds the sentences of one line; true where its last sentence goes on in the next line. */
function pushSentences(text: string, from: number, to: number, strength: number, units: TextUnit[]): boolean {
  const line = text.slice(from, to);
  let start = line.length - line.trimStart().length;
  const end = line.trimEnd().length;
  let before = strength;
  // A mark that ends a sentence, closing quotes or brackets, then white space; full-width marks need no white space.
  for (const match of line.matchAll(/(?:[.!?…]+["'”’)\]*_]*(?=\s))|(?:[。！？]+["”’」』）]*)/g)) {
    const stop = match.index + match[0].length;
    if (stop >= end) break;
    if (match[0].startsWith('.') && continuesAfterStop(line, match.index, stop)) continue;
    units.push({ start: from + start, end: from + stop, strength: before });
    before = BoundaryStrength.sentence;
    start = stop + (/^\s*/.exec(line.slice(stop, end))?.[0].length ?? 0);
  }
  units.push({ start: from + start, end: from + end, strength: before });
  return !/[.!?…。！？:]["'”’)\]*_」』）]*$/.test(line.slice(Math.max(start, end - 12), end));
}

/** A full stop after an abbreviation or an initial, or before a lower-case word, ends no sentence. */
function continuesAfterStop(line: string, at: number, stop: number): boolean {
  const next = /\S/.exec(line.slice(stop, stop + 32))?.[0];
  if (next !== undefined && /\p{Ll}/u.test(next)) return true;
  const word = /(\S{1,12})$/.exec(line.slice(Math.max(0, at - 12), at))?.[1]?.replace(/^["'“‘([]+/, '') ?? '';
  return /^\p{Lu}$/u.test(word) || ABBREVIATIONS.has(word.toLowerCase());
}
