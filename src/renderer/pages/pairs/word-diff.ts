import { diffWordsWithSpace } from 'diff';

/** A stretch of one side's text; `changed` where the other side reads differently. */
export interface Stretch {
  readonly text: string;
  readonly changed: boolean;
}

/** The two texts in stretches that are the same in both or not, word by word. */
export function wordDiff(a: string, b: string): { readonly a: readonly Stretch[]; readonly b: readonly Stretch[] } {
  const left: Stretch[] = [];
  const right: Stretch[] = [];
  for (const { value, added, removed } of diffWordsWithSpace(a, b)) {
    if (!added) left.push({ text: value, changed: removed });
    if (!removed) right.push({ text: value, changed: added });
  }
  return { a: left, b: right };
}
