/** The piece that an offset lies in: the last one that starts at or before it. */
export function pieceAt(starts: readonly number[], offset: number): number {
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

/**
 * Keeps a mark in the middle until it stays there: pieces around it are measured as they come into sight, which moves it.
 * Ends after two seconds at most.
 */
export function settleOn(box: { readonly current: HTMLElement | null }, offset: number): void {
  let steady = 0;
  const began = performance.now();
  const look = (): void => {
    const mark = box.current?.querySelector<HTMLElement>(`[data-at="${offset}"]`) ?? null;
    const before = box.current?.scrollTop;
    if (mark !== null && box.current !== null) centre(box.current, mark);
    steady = mark !== null && box.current?.scrollTop === before ? steady + 1 : 0;
    if (steady < 5 && performance.now() - began < 2000) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}

/** Scrolls the box alone: `scrollIntoView` would move the page around it, too. */
function centre(box: HTMLElement, mark: HTMLElement): void {
  const [outer, inner] = [box.getBoundingClientRect(), mark.getBoundingClientRect()];
  box.scrollTop += inner.top + inner.height / 2 - outer.top - outer.height / 2;
}

/** Where to cut a long text so that no piece is longer than about `size`: after a line or a sentence. */
export function cutsOf(text: string, size = 2000): readonly number[] {
  const starts = [0];
  for (let at = size; at < text.length;) {
    const from = starts.at(-1) ?? 0;
    const line = text.lastIndexOf('\n', at - 1);
    const sentence = text.lastIndexOf('. ', at - 2) + 1;
    const space = text.lastIndexOf(' ', at - 1);
    // At least half a piece: else a text without lines would be cut into many small ones.
    const cut = [line, sentence, space].find((place) => place >= from + size / 2);
    const start = cut === undefined ? wholeCharacter(text, at) : cut + 1;
    starts.push(start);
    at = start + size;
  }
  return starts;
}

/** Not between the two halves of a character outside the basic plane. */
function wholeCharacter(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code >= 0xdc00 && code <= 0xdfff ? at - 1 : at;
}
