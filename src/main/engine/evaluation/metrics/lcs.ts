/**
 * Table of the longest common subsequences' lengths of all beginnings: [(a.length + 1) x (b.length + 1)], row by row.
 */
export function lcsTable(a: readonly string[], b: readonly string[]): Uint32Array {
  const width = b.length + 1;
  const table = new Uint32Array((a.length + 1) * width);
  for (let i = 1; i <= a.length; i += 1) {
    for (let j = 1; j <= b.length; j += 1) {
      const at = i * width + j;
      table[at] =
        a[i - 1] === b[j - 1] ? (table[at - width - 1] ?? 0) + 1 : Math.max(table[at - width] ?? 0, table[at - 1] ?? 0);
    }
  }
  return table;
}

/**
 * Indices into `a` of one longest common subsequence, ascending. Which one it is decides ROUGE's union over sentences,
 * so the step where neither end fits is the caller's: `up` (drop the end of `a`) where the lengths are equal or not.
 */
export function lcsIndices(
  a: readonly string[],
  b: readonly string[],
  goesUp: (up: number, left: number) => boolean,
): number[] {
  const table = lcsTable(a, b);
  const width = b.length + 1;
  const indices: number[] = [];
  for (let i = a.length, j = b.length; i > 0 && j > 0;) {
    const at = i * width + j;
    if (a[i - 1] === b[j - 1]) {
      indices.push(i - 1);
      i -= 1;
      j -= 1;
    } else if (goesUp(table[at - width] ?? 0, table[at - 1] ?? 0)) i -= 1;
    else j -= 1;
  }
  return indices.reverse();
}
