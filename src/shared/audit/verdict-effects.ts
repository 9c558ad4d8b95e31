import type { PairSelection } from '../pair-selection.ts';
import type { Verdict } from '../pairs.ts';

/** What becomes of a pair in training: as it is, with its answers exchanged, or not at all. */
export type PairEffect = 'keep' | 'swap' | 'leave_out';

/**
 * What each verdict does to the pair that training (and the export of pairs) sees, by the selection's `review`. This
 * table is the one place that decides it. Edits are in force under every policy, and before an exchange.
 *
 * A tie (`both_good`) is kept: there is little to prefer, but the chosen answer is one to learn from.
 */
export const verdictEffects = {
  // Looks at no verdict.
  all: {
    unreviewed: 'keep',
    chosen_better: 'keep',
    rejected_better: 'keep',
    both_good: 'keep',
    both_bad: 'keep',
    broken_instruction: 'keep',
    skipped: 'keep',
  },
  // Puts right what the audit put right.
  corrected: {
    unreviewed: 'keep',
    chosen_better: 'keep',
    rejected_better: 'swap',
    both_good: 'keep',
    both_bad: 'leave_out',
    broken_instruction: 'leave_out',
    skipped: 'keep',
  },
  // Leaves out what the audit found wrong, and exchanges nothing.
  not_refused: {
    unreviewed: 'keep',
    chosen_better: 'keep',
    rejected_better: 'leave_out',
    both_good: 'keep',
    both_bad: 'leave_out',
    broken_instruction: 'leave_out',
    skipped: 'keep',
  },
  // Only what the audit found right.
  approved: {
    unreviewed: 'leave_out',
    chosen_better: 'keep',
    rejected_better: 'leave_out',
    both_good: 'leave_out',
    both_bad: 'leave_out',
    broken_instruction: 'leave_out',
    skipped: 'leave_out',
  },
} as const satisfies Record<PairSelection['review'], Record<Verdict | 'unreviewed', PairEffect>>;

/**
 * The effect of all reviewers' verdicts on one pair (each reviewer's latest that was not undone). Under `corrected`
 * reviewers must agree on the effect, else the pair is left out: who is right is not for a program to decide. The
 * other policies go by the latest verdict of anyone.
 */
export function pairEffect(
  policy: PairSelection['review'],
  latest: Verdict | null,
  opinions: readonly Verdict[],
): PairEffect {
  const effects = verdictEffects[policy];
  if (policy !== 'corrected') return effects[latest ?? 'unreviewed'];
  const [first, ...others] = new Set(opinions.filter((verdict) => verdict !== 'skipped').map((v) => effects[v]));
  return others.length > 0 ? 'leave_out' : (first ?? 'keep');
}
