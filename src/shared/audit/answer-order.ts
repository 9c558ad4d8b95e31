import type { PairEdit, Verdict } from '../pairs.ts';

export type Side = 'chosen' | 'rejected';
/** Which answer is shown first (A) and which second (B). */
export type AnswerOrder = readonly [Side, Side];

/** A verdict as the reviewer gives it: on what is shown, not on what it is. */
export const shownVerdicts = [
  'first_better',
  'second_better',
  'both_good',
  'both_bad',
  'broken_instruction',
  'skipped',
] as const;
export type ShownVerdict = (typeof shownVerdicts)[number];

/**
 * The order of the two answers: chosen first, or in blind mode one that follows from pair, reviewer and seed alone, so
 * that it is the same when the pair comes back, differs between reviewers, and tells nothing.
 */
export function answerOrder(pairId: number, reviewer: string, blind: { readonly seed: number } | null): AnswerOrder {
  if (blind === null) return ['chosen', 'rejected'];
  // FNV-1a, then the finaliser of MurmurHash3: the low bits of FNV alone are weak.
  let hash = 0x811c9dc5;
  for (const character of `${blind.seed} ${pairId} ${reviewer}`) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) & 1) === 0 ? ['chosen', 'rejected'] : ['rejected', 'chosen'];
}

/** The verdict on chosen and rejected that a verdict on what was shown means. */
export function storedVerdict(shown: ShownVerdict, order: AnswerOrder): Verdict {
  if (shown !== 'first_better' && shown !== 'second_better') return shown;
  return order[shown === 'first_better' ? 0 : 1] === 'chosen' ? 'chosen_better' : 'rejected_better';
}

/** The way back, to show a stored verdict. */
export function shownVerdict(stored: Verdict, order: AnswerOrder): ShownVerdict {
  if (stored !== 'chosen_better' && stored !== 'rejected_better') return stored;
  return (stored === 'chosen_better') === (order[0] === 'chosen') ? 'first_better' : 'second_better';
}

/** Changed texts by what was shown; a field left out keeps its text. */
export interface ShownEdit {
  readonly question?: string | undefined;
  readonly first?: string | undefined;
  readonly second?: string | undefined;
}

/** An edit of chosen and rejected that an edit of what was shown means. */
export function storedEdit({ question, first, second }: ShownEdit, order: AnswerOrder): PairEdit {
  return {
    ...(question === undefined ? {} : { question }),
    ...(first === undefined ? {} : { [order[0]]: first }),
    ...(second === undefined ? {} : { [order[1]]: second }),
  };
}
