/** A piece of text on a page, in the page's own units: `y` grows upwards. */
export interface PageItem {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  /** Font size. */
  readonly size: number;
  /** The line ends after it. */
  readonly endOfLine: boolean;
}

interface Line {
  text: string;
  left: number;
  right: number;
  y: number;
  size: number;
}

interface Block {
  readonly lines: Line[];
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** Above this, blocks keep the order in which the page draws them: ordering takes up to the cube of their number. */
const maxOrderedBlocks = 200;

/**
 * The paragraphs of a page in reading order. Lines come in the order of drawing; lines close below each other make a
 * block. Where the order of drawing cannot be that of reading, blocks are ordered by T. M. Breuel's two rules ("High Performance Document Layout Analysis", 2003): what
 * stands above comes first where both share columns, and a column comes before the one to its right.
 */
export function pageBlocks(items: readonly PageItem[]): string[] {
  return inReadingOrder(withoutPageNumber(blocksOf(linesOf(items)))).map((block) =>
    joinLines(block.lines.map((line) => line.text)),
  );
}

function linesOf(items: readonly PageItem[]): Line[] {
  const lines: Line[] = [];
  let line: Line | undefined;
  const end = (): void => {
    if (line !== undefined && line.text.trim() !== '') lines.push({ ...line, text: line.text.trim() });
    line = undefined;
  };
  for (const { text, x, y, width, size, endOfLine } of items) {
    if (text !== '' && Number.isFinite(x + y + width)) {
      // pdf.js ends lines by itself where text goes on elsewhere; a jump back or far away ends one too.
      const height = Math.max(size, line?.size ?? 0, 1);
      if (line !== undefined && (Math.abs(y - line.y) > height * 0.7 || x < line.left - height)) end();
      if (line === undefined) line = { text: '', left: x, right: x, y, size };
      line.text += text;
      if (text.trim() !== '') {
        line.right = Math.max(line.right, x + width);
        line.size = Math.max(line.size, size);
      }
    }
    if (endOfLine) end();
  }
  end();
  return lines;
}

function blocksOf(lines: readonly Line[]): Block[] {
  const blocks: Block[] = [];
  for (const line of lines) {
    const block = blocks.at(-1);
    const above = block?.lines.at(-1);
    if (block !== undefined && above !== undefined && continues(block, above, line)) {
      block.lines.push(line);
      block.left = Math.min(block.left, line.left);
      block.right = Math.max(block.right, line.right);
      block.bottom = Math.min(block.bottom, line.y);
    } else {
      blocks.push({ lines: [line], left: line.left, right: line.right, top: line.y + line.size, bottom: line.y });
    }
  }
  return blocks;
}

/** Whether a line is the next one of a paragraph: close below, alike in size, not indented, its forerunner full. */
function continues(block: Block, above: Line, line: Line): boolean {
  const size = Math.max(above.size, 1);
  const gap = above.y - line.y;
  const before = block.lines.at(-2);
  // The paragraph's own distance of lines, where it is known.
  const usual = before === undefined ? size * 1.65 : Math.max((before.y - above.y) * 1.2, size);
  const alike = Math.abs(line.size - size) < size * 0.15;
  const below = gap > size * 0.3 && gap <= usual && alike;
  const overlaps = line.left < block.right && block.left < line.right;
  const indented = block.lines.length > 1 && line.left > above.left + size * 0.8 && line.left < above.right;
  const isItem = /^(?:[•◦▪‣●–-]|\d{1,3}[.)])\s/.test(line.text);
  return below && overlaps && !indented && !isItem;
}

/**
 * Whether the order of drawing may be the order of reading: no block is drawn after one below it, nor after one beside
 * it to the right. Most programs draw so, and then their order knows more than the geometry (where columns end, say).
 */
function isPlausible(blocks: readonly Block[]): boolean {
  return blocks.every((b, index) =>
    blocks
      .slice(index + 1)
      .every((a) => !(sharesColumns(a, b) ? a.bottom > b.bottom : a.right <= b.left && beside(a, b))),
  );
}

/** Topological order of the blocks; among those that may come next, the one that is drawn first. */
function inReadingOrder(blocks: readonly Block[]): readonly Block[] {
  if (blocks.length > maxOrderedBlocks || isPlausible(blocks)) return blocks;
  const followers = new Map(blocks.map((a) => [a, blocks.filter((b) => a !== b && comesBefore(a, b, blocks))]));
  const waitsFor = new Map<Block, number>(blocks.map((block) => [block, 0]));
  const change = (block: Block, by: number): void => void waitsFor.set(block, (waitsFor.get(block) ?? 0) + by);
  for (const list of followers.values()) for (const block of list) change(block, 1);
  const ordered: Block[] = [];
  while (waitsFor.size > 0) {
    const rest = [...waitsFor.keys()];
    // The rules can contradict each other on a strange page: then the order of drawing decides.
    const next = rest.find((block) => waitsFor.get(block) === 0) ?? rest[0];
    if (next === undefined) break;
    ordered.push(next);
    waitsFor.delete(next);
    for (const block of followers.get(next) ?? []) if (waitsFor.has(block)) change(block, -1);
  }
  return ordered;
}

function comesBefore(a: Block, b: Block, blocks: readonly Block[]): boolean {
  if (sharesColumns(a, b)) return a.bottom > b.bottom;
  if (a.right > b.left || !inColumnsSideBySide(a, b, blocks)) return false;
  // a stands to the left: it comes first unless something between the two in height (a heading, say) spans both.
  const lies = (c: Block, upper: Block, lower: Block): boolean => c.top <= upper.bottom && c.bottom >= lower.top;
  return !blocks.some(
    (c) => c !== a && c !== b && (lies(c, a, b) || lies(c, b, a)) && sharesColumns(c, a) && sharesColumns(c, b),
  );
}

/**
 * Whether two blocks without common columns stand beside each other, or a neighbour of one in its column does. A heading
 * above and to the right of another one is in no column beside it.
 */
function inColumnsSideBySide(a: Block, b: Block, blocks: readonly Block[]): boolean {
  return blocks.some(
    (c) =>
      (sharesColumns(c, a) && c.right <= b.left && beside(c, b)) ||
      (sharesColumns(c, b) && c.left >= a.right && beside(c, a)),
  );
}

/** Page numbers stand in the way of the text that goes on over the page: digits alone, above or below all else. */
function withoutPageNumber(blocks: readonly Block[]): readonly Block[] {
  const rest = blocks.filter((block) => {
    const outside = blocks.every((other) => other === block || block.top < other.bottom || block.bottom > other.top);
    const extreme =
      blocks.every((other) => block.bottom <= other.bottom) || blocks.every((other) => block.top >= other.top);
    return !(outside && extreme && /^\W{0,3}\d{1,4}\W{0,3}$/.test(block.lines.map((line) => line.text).join(' ')));
  });
  return rest.length === 0 ? blocks : rest;
}

/** Whether two blocks have a height in common. */
function beside(a: Block, b: Block): boolean {
  return a.bottom < b.top && b.bottom < a.top;
}

function sharesColumns(a: Block, b: Block): boolean {
  return Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1;
}

/** Lines of a paragraph as one line; a word that was hyphenated at a line's end is put together. */
export function joinLines(lines: readonly string[]): string {
  let text = '';
  for (const line of lines) {
    if (text === '') text = line;
    else if (/\p{L}[-\u2010\u00ad]$/u.test(text) && /^\p{Ll}/u.test(line)) text = text.slice(0, -1) + line;
    // Scripts without spaces between words.
    else if (
      /[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]$/.test(text) &&
      /^[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]/.test(line)
    )
      text += line;
    else text += ` ${line}`;
  }
  return text;
}
