/** A stretch of a text, in UTF-16 units. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Stretches of a text that mean the same thing: in order, without overlap. */
export interface Marking {
  readonly name: string;
  readonly spans: readonly Span[];
}

/** A piece of a text with the names of all markings that cover it. */
export interface Piece extends Span {
  readonly text: string;
  readonly names: readonly string[];
}

/** A text cut wherever a marking begins or ends; the pieces together are the text. */
export function markedPieces(text: string, markings: readonly Marking[]): readonly Piece[] {
  const within = (at: number): number => Math.min(text.length, Math.max(0, at));
  const cuts = new Set([0, text.length]);
  for (const { spans } of markings) for (const { start, end } of spans) cuts.add(within(start)).add(within(end));
  const edges = [...cuts].sort((a, b) => a - b);
  const next = markings.map(() => 0);
  const pieces: Piece[] = [];
  for (const [i, start] of edges.entries()) {
    const end = edges[i + 1];
    if (end === undefined) break;
    const names: string[] = [];
    for (const [m, { name, spans }] of markings.entries()) {
      let at = next[m] ?? 0;
      while ((spans[at]?.end ?? Infinity) <= start) at += 1;
      next[m] = at;
      if ((spans[at]?.start ?? Infinity) <= start) names.push(name);
    }
    pieces.push({ start, end, text: text.slice(start, end), names });
  }
  return pieces;
}
