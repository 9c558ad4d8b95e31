import { diffWordsWithSpace } from 'diff';
import type { Span } from './marked-pieces.ts';

/** Bound on the work: two texts that differ in more words than this differ altogether. */
const mostEdits = 1500;

/** Where each of two texts reads differently from the other, word by word, in UTF-16 units. */
export function wordDiff(a: string, b: string): { readonly a: readonly Span[]; readonly b: readonly Span[] } {
  const changes = diffWordsWithSpace(a, b, { maxEditLength: mostEdits });
  if (changes === undefined) return { a: [{ start: 0, end: a.length }], b: [{ start: 0, end: b.length }] };
  const left: Span[] = [];
  const right: Span[] = [];
  let [atLeft, atRight] = [0, 0];
  for (const { value, added, removed } of changes) {
    if (removed) left.push({ start: atLeft, end: atLeft + value.length });
    if (added) right.push({ start: atRight, end: atRight + value.length });
    if (!added) atLeft += value.length;
    if (!removed) atRight += value.length;
  }
  return { a: left, b: right };
}
