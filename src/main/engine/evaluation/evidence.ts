import type { ItemDocument } from '../../../shared/api/evaluations.ts';

/** More places than this say nothing. */
const MOST = 20;
/** Characters marked around a place that is known as a share of the text alone. */
const AROUND = 200;

/**
 * Where a text answers a question whose evidence is not given: the answer's own words, else its key word, else the stated
 * depth. Of many places those nearest to the depth count, where one is given.
 * @param depth place of the fact, 0 = start, 1 = end
 */
export function findEvidence(
  text: string,
  {
    answer,
    key,
    depth,
  }: { readonly answer: string; readonly key?: string | undefined; readonly depth?: number | null },
): Pick<ItemDocument, 'evidence' | 'found'> {
  for (const wanted of [answer, key ?? '']) {
    const places = occurrences(text, wanted.trim().replace(/[.!?]+$/, ''));
    if (places.length === 0) continue;
    const near = depth ?? null;
    const from = (start: number): number => Math.abs(start / Math.max(1, text.length) - (near ?? 0));
    const kept = near === null ? places.slice(0, MOST) : places.sort((a, b) => from(a[0]) - from(b[0])).slice(0, 1);
    return { evidence: kept, found: 'words' };
  }
  if (depth === null || depth === undefined || text === '') return { evidence: [], found: 'none' };
  const at = Math.round(depth * text.length);
  return { evidence: [[Math.max(0, at - AROUND), Math.min(text.length, at + AROUND)]], found: 'depth' };
}

/** Every place of a phrase as whole words, whatever its case. */
function occurrences(text: string, phrase: string): (readonly [number, number])[] {
  if (phrase === '') return [];
  const escaped = phrase.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll(/\s+/g, String.raw`\s+`);
  const pattern = new RegExp(String.raw`(?<![\p{L}\p{N}])${escaped}(?![\p{L}\p{N}])`, 'giu');
  return [...text.matchAll(pattern)].map((match) => [match.index, match.index + match[0].length] as const);
}
