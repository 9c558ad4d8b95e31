/** Characters (UTF-16 units) that a piece has at least, where the text goes on, and at most. */
export const pieceLength = { least: 2000, most: 6000 } as const;

/**
 * Where a long text can be cut for showing it piece by piece: after the first line end beyond `least`, else at a space,
 * else (one endless word) at `most`, never inside a surrogate pair. Offsets of the pieces' starts, in UTF-16 units.
 */
export function pieceStarts(text: string): number[] {
  const { least, most } = pieceLength;
  const starts = text === '' ? [] : [0];
  for (let at = 0; text.length - at > most;) {
    const line = text.indexOf('\n', at + least - 1);
    if (line >= 0 && line < at + most) at = line + 1;
    else {
      const space = text.lastIndexOf(' ', at + most - 1);
      at = space >= at + least ? space + 1 : at + most;
      if (/[\uDC00-\uDFFF]/.test(text.charAt(at)) && /[\uD800-\uDBFF]/.test(text.charAt(at - 1))) at -= 1;
    }
    starts.push(at);
  }
  return starts;
}
