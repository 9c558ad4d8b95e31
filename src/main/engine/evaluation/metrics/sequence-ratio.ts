/** From this length on, characters that make up more than 1% of the second text are passed over (difflib's autojunk). */
const POPULAR_FROM = 200;

/**
 * Similarity of two texts in whole percent: fuzzywuzzy's `ratio` over Python's difflib (Ratcliff and Obershelp 1988),
 * which LongBench takes as the edit similarity of code. 0 where one text is empty and the other is not.
 */
export function fuzzRatio(first: string, second: string): number {
  if (first === second) return 100;
  if (first === '' || second === '') return 0;
  const a = [...first];
  const b = [...second];
  return roundHalfEven(100 * ((2 * matches(a, b)) / (a.length + b.length)));
}

/** Number of characters in matching blocks: the longest block, then what is left and right of it. */
function matches(a: readonly string[], b: readonly string[]): number {
  const places = new Map<string, number[]>();
  for (const [j, letter] of b.entries()) {
    const list = places.get(letter);
    if (list === undefined) places.set(letter, [j]);
    else list.push(j);
  }
  if (b.length >= POPULAR_FROM) {
    const most = Math.floor(b.length / 100) + 1;
    for (const [letter, list] of places) if (list.length > most) places.delete(letter);
  }
  let total = 0;
  const open: (readonly [number, number, number, number])[] = [[0, a.length, 0, b.length]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [fromA, toA, fromB, toB] = next;
    const [i, j, size] = longestMatch(a, b, places, next);
    if (size === 0) continue;
    total += size;
    open.push([fromA, i, fromB, j], [i + size, toA, j + size, toB]);
  }
  return total;
}

/** The earliest of the longest blocks: start in `a`, start in `b`, length. */
function longestMatch(
  a: readonly string[],
  b: readonly string[],
  places: ReadonlyMap<string, readonly number[]>,
  [fromA, toA, fromB, toB]: readonly [number, number, number, number],
): readonly [number, number, number] {
  let bestI = fromA;
  let bestJ = fromB;
  let size = 0;
  let lengths = new Map<number, number>();
  for (let i = fromA; i < toA; i += 1) {
    const next = new Map<number, number>();
    for (const j of places.get(a[i] ?? '') ?? []) {
      if (j < fromB) continue;
      if (j >= toB) break;
      const length = (lengths.get(j - 1) ?? 0) + 1;
      next.set(j, length);
      if (length > size) {
        bestI = i - length + 1;
        bestJ = j - length + 1;
        size = length;
      }
    }
    lengths = next;
  }
  // Popular characters may lengthen a block, though they begin none.
  while (bestI > fromA && bestJ > fromB && a[bestI - 1] === b[bestJ - 1]) {
    bestI -= 1;
    bestJ -= 1;
    size += 1;
  }
  while (bestI + size < toA && bestJ + size < toB && a[bestI + size] === b[bestJ + size]) size += 1;
  return [bestI, bestJ, size];
}

/** Python's round(). */
function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest < 0.5 || (rest === 0.5 && below % 2 === 0) ? below : below + 1;
}
