import type { Example, ExamplesDefinition } from './item.ts';
import { numpyPermutation } from './numpy-permutation.ts';

/**
 * What stands before an item: the first of the pool as `datasets` shuffles it, no question twice (princeton-nlp/HELMET:
 * data.py).
 * @param pool the questions that may be drawn, in the order of their file
 */
export function drawnExamples({ shots, lead }: ExamplesDefinition, pool: readonly Example[], item: Example): string {
  const open = item.mayDrawItself ? pool : pool.filter(({ id }) => id !== item.id);
  const drawn = new Map<string, string>();
  for (const at of numpyPermutation(item.seed, open.length)) {
    const example = open[at];
    if (drawn.size === shots || example === undefined) break;
    if (!drawn.has(example.id)) drawn.set(example.id, example.text);
  }
  return lead([...drawn.values()]);
}
