import { wordsOf } from './words.ts';
import type { Word } from './words.ts';

/** A stretch of the chunk (UTF-16 units) that an answer repeats. */
export interface EvidenceSpan {
  readonly start: number;
  readonly end: number;
  /** In (0, 1): longer stretches, numbers and names weigh more; stretches that occur often weigh less. */
  readonly strength: number;
}

/** Weight of a word in a shared stretch. */
const weights = { number: 3, name: 2, word: 1, character: 0.5, short: 0.25 };
/** What a stretch must weigh to count: a number or a name alone, or some words together. */
const leastWeight = 2;
/** A stretch that weighs this much has strength 1/2. */
const halfWeight = 4;
/** A word that occurs more often in the chunk never begins a stretch; it only goes on with one. */
const mostStarts = 48;
/** Words that are looked at: far more than any chunk or answer has, and a bound on the time. */
const mostWords = 200_000;
/** Spans that are returned, the strongest ones. */
const mostSpans = 200;

/**
 * Where the chunk supports an answer: the longest stretches of words that both have in common, weighed by what is in
 * them (numbers most, then names, then other words), in the order of the chunk and without overlap. It finds words,
 * not meaning: a paraphrase has no span, and a repeated phrase may support nothing.
 * Time is linear in both lengths, times at most `mostStarts` for words that occur often.
 * @param work adds up the comparisons made, so that a test can hold their number to that
 */
export function evidenceSpans(
  chunk: string,
  answer: string,
  work: { comparisons: number } = { comparisons: 0 },
): EvidenceSpan[] {
  const words = wordsOf(chunk).slice(0, mostWords);
  const answerWords = wordsOf(answer).slice(0, mostWords);
  const stretches = [
    ...new Map(commonStretches(words, answerWords, work).map((s) => [s.from * mostWords * 2 + s.to, s])).values(),
  ];

  // A name is never written small in the chunk: a "Board" that is a "board" elsewhere is none.
  const small = new Set(words.filter((word) => word.small).map((word) => word.key));
  const names = new Set(
    [...words, ...answerWords].filter((word) => word.capital && !small.has(word.key)).map((word) => word.key),
  );
  const weightSums = new Float64Array(words.length + 1);
  for (const [i, word] of words.entries()) weightSums[i + 1] = (weightSums[i] ?? 0) + weightOf(word, names);

  const occurrences = new Map<string, number>();
  const textOf = ({ from, to }: Stretch): string =>
    words
      .slice(from, Math.min(to, from + 32))
      .map((word) => word.key)
      .join(' ') + ` ${to - from}`;
  for (const stretch of stretches) {
    const text = textOf(stretch);
    occurrences.set(text, (occurrences.get(text) ?? 0) + 1);
  }
  const spans: EvidenceSpan[] = [];
  for (const stretch of stretches) {
    const weight = (weightSums[stretch.to] ?? 0) - (weightSums[stretch.from] ?? 0);
    if (weight < leastWeight) continue;
    const shared = weight / Math.sqrt(occurrences.get(textOf(stretch)) ?? 1);
    const start = words[stretch.from]?.start ?? 0;
    const end = words[stretch.to - 1]?.end ?? 0;
    spans.push({ start, end, strength: shared / (shared + halfWeight) });
  }
  return withoutOverlap(
    spans.sort((a, b) => b.strength - a.strength || a.start - b.start),
    work,
  )
    .slice(0, mostSpans)
    .sort((a, b) => a.start - b.start);
}

/** Words `from` to `to` (exclusive) of the chunk. */
interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** Every stretch of the chunk that the answer has too and that cannot be made longer. */
function commonStretches(chunk: readonly Word[], answer: readonly Word[], work: { comparisons: number }): Stretch[] {
  const places = new Map<string, number[]>();
  for (const [i, word] of chunk.entries()) {
    const known = places.get(word.key);
    if (known === undefined) places.set(word.key, [i]);
    else known.push(i);
  }
  const found: Stretch[] = [];
  // Stretches that end at the present word of the answer: the chunk's word that would go on with it -> where it began.
  let open = new Map<number, number>();
  for (const [j, word] of answer.entries()) {
    const next = new Map<number, number>();
    work.comparisons += open.size;
    for (const [at, from] of open) {
      if (chunk[at]?.key === word.key) next.set(at + 1, from);
      else found.push({ from, to: at });
    }
    const starts = places.get(word.key) ?? [];
    if (starts.length <= mostStarts) {
      for (const at of starts) {
        if (next.has(at + 1)) continue;
        // What occurs too often to begin a stretch may stand before its beginning.
        let back = 0;
        while (back < 4 && at - back > 0 && j - back > 0 && chunk[at - back - 1]?.key === answer[j - back - 1]?.key)
          back += 1;
        work.comparisons += back + 1;
        next.set(at + 1, at - back);
      }
    }
    open = next;
  }
  for (const [at, from] of open) found.push({ from, to: at });
  return found;
}

function weightOf(word: Word, names: ReadonlySet<string>): number {
  if (word.kind === 'number') return weights.number;
  if (word.kind === 'character') return weights.character;
  if (names.has(word.key) && word.key.length > 1) return weights.name;
  return word.key.length >= 4 ? weights.word : weights.short;
}

/** The strongest spans, given strongest first, that do not overlap a stronger one. */
function withoutOverlap(spans: readonly EvidenceSpan[], work: { comparisons: number }): EvidenceSpan[] {
  const taken: EvidenceSpan[] = [];
  for (const span of spans) {
    if (taken.length >= mostSpans) break;
    work.comparisons += taken.length;
    if (!taken.some((other) => span.start < other.end && other.start < span.end)) taken.push(span);
  }
  return taken;
}
