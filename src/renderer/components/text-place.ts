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
