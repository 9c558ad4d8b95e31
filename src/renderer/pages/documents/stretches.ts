/** Something to mark in a text, in UTF-16 units of the whole document. */
export interface Mark {
  readonly start: number;
  readonly end: number;
  /** `current` is the hit one looks at, `place` what a link pointed to. */
  readonly kind: 'hit' | 'current' | 'place';
}

/** A boundary between chunks. */
export interface Cut {
  readonly at: number;
  readonly label: string;
}

/** A part of a piece that is shown in one way. */
export interface Stretch {
  readonly start: number;
  readonly text: string;
  readonly mark: Mark | null;
  /** Boundaries that stand before it. */
  readonly cuts: readonly string[];
}

const order = { current: 0, place: 1, hit: 2 } as const;

/**
 * A piece of a text, cut wherever a mark begins or ends and at each boundary. Where marks overlap, the one that one looks
 * at counts.
 * @param from where the piece starts in the document
 */
export function stretches(
  text: string,
  from: number,
  marks: readonly Mark[],
  cuts: readonly Cut[],
  last: boolean,
): Stretch[] {
  const to = from + text.length;
  const inside = marks.filter(({ start, end }) => start < to && end > from);
  const here = cuts.filter(({ at }) => at >= from && (at < to || (last && at === to)));
  const edges = new Set([from, ...here.map(({ at }) => at)]);
  for (const { start, end } of inside) {
    edges.add(Math.max(from, start));
    edges.add(Math.min(to, end));
  }
  const sorted = [...edges].sort((a, b) => a - b);
  return sorted
    .map((start, i): Stretch => {
      const end = sorted[i + 1] ?? to;
      const covering = inside
        .filter((mark) => mark.start <= start && mark.end >= end && end > start)
        .sort((a, b) => order[a.kind] - order[b.kind]);
      return {
        start,
        text: text.slice(start - from, end - from),
        mark: covering[0] ?? null,
        cuts: here.filter(({ at }) => at === start).map(({ label }) => label),
      };
    })
    .filter(({ text: part, cuts: before }) => part !== '' || before.length > 0);
}

/** Chunks are cut at paragraphs: so many characters between two of them are only the empty line. */
const narrowGap = 4;

/** The boundaries of chunks: where each starts, and where one ends that no other follows at once. */
export function chunkCuts(
  chunks: readonly { readonly index: number; readonly start: number; readonly end: number; readonly tokens: number }[],
): Cut[] {
  const number = new Intl.NumberFormat('en');
  return chunks.flatMap(({ index, start, end, tokens }) => [
    { at: start, label: `chunk ${index + 1}, ${number.format(tokens)} tokens` },
    ...(chunks.some((next) => next.start >= end && next.start - end <= narrowGap)
      ? []
      : [{ at: end, label: `end of chunk ${index + 1}` }]),
  ]);
}
