/** Characters (UTF-16 units) that a piece has at least, where the text goes on, and at most. */
export const pieceLength = { least: 2000, most: 6000 } as const;

/**
 * Where a long text can be cut for showing it piece by piece: after the first line end beyond `least`, else after the
 * last sentence or space before `most`, else (one endless word) at `most`, never inside a surrogate pair. Offsets of the
 * pieces' starts, in UTF-16 units.
 */
export function pieceStarts(text: string): number[] {
  const { least, most } = pieceLength;
  const starts = text === '' ? [] : [0];
  for (let at = 0; text.length - at > most;) {
    const line = text.indexOf('\n', at + least - 1);
    if (line >= 0 && line < at + most) at = line + 1;
    else {
      const sentence = text.lastIndexOf('. ', at + most - 2) + 1;
      const space = text.lastIndexOf(' ', at + most - 1);
      const cut = [sentence, space].find((place) => place >= at + least);
      at = cut === undefined ? at + most : cut + 1;
      if (/[\uDC00-\uDFFF]/.test(text.charAt(at)) && /[\uD800-\uDBFF]/.test(text.charAt(at - 1))) at -= 1;
    }
    starts.push(at);
  }
  return starts;
}
