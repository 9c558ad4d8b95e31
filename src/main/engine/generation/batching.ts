/** Bounds of one batch: rows, and tokens with padding (rows * (longest prompt + new tokens)). */
export interface BatchLimits {
  readonly maxSequences: number;
  readonly maxTokens: number;
}

/**
 * Groups sequences of similar length into batches, longest first (so that a lack of memory shows at once). The result
 * depends on the lengths and their order only. A sequence over `maxTokens` gets a batch of its own.
 * @param lengths tokens of each sequence, new ones included
 * @returns indices into `lengths`, each exactly once
 */
export function batchByLength(lengths: readonly number[], limits: BatchLimits): number[][] {
  const order = lengths
    .map((length, index) => ({ length, index }))
    .sort((a, b) => b.length - a.length || a.index - b.index);
  const batches: number[][] = [];
  let longest = 0;
  for (const { length, index } of order) {
    const open = batches.at(-1);
    if (open !== undefined && open.length < limits.maxSequences && (open.length + 1) * longest <= limits.maxTokens) {
      open.push(index);
    } else {
      batches.push([index]);
      longest = length;
    }
  }
  return batches;
}

/**
 * The tokens that all sequences start with, and what follows in each. At least one token stays in every rest, because
 * the first new token is predicted from a prompt's own row.
 */
export function splitCommonPrefix(sequences: readonly Int32Array[]): { prefix: Int32Array; rests: Int32Array[] } {
  const first = sequences[0];
  if (first === undefined) throw new Error('No sequences to split.');
  let length = Math.min(...sequences.map((sequence) => sequence.length)) - 1;
  for (const sequence of sequences) {
    let same = 0;
    while (same < length && sequence[same] === first[same]) same += 1;
    length = same;
  }
  return { prefix: first.slice(0, length), rests: sequences.map((sequence) => sequence.slice(length)) };
}
