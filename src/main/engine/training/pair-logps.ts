import type { RunConfig } from '../../../shared/run-config.ts';
import type { PairLogps } from '../../../shared/runs.ts';
import { preferenceReference, type ScoredExample } from './example.ts';
import { sumTokens, type AnswerLogps } from './objectives.ts';

/**
 * What is known of each pair of an example once the policy has read it: sums over the answers' tokens in nats, in the
 * order of the turns. Costs nothing: the step has worked them out already.
 * @returns none for an example that is not made of stored pairs, or of which a side or the reference was not read
 */
export function pairLogps(
  { pairIds = [], reference }: Pick<ScoredExample, 'pairIds' | 'reference'>,
  policy: AnswerLogps,
  objective: RunConfig['objective'],
): Omit<PairLogps, 'step'>[] {
  const against = preferenceReference(objective, reference);
  return pairIds.flatMap((pairId, turn) => {
    const [chosen, rejected] = [policy.chosen[turn], policy.rejected[turn]];
    const [referenceOfChosen, referenceOfRejected] = [against?.chosen[turn], against?.rejected[turn]];
    if (chosen === undefined || rejected === undefined) return [];
    if (referenceOfChosen === undefined || referenceOfRejected === undefined) return [];
    const row = {
      policyChosen: sumTokens(chosen),
      policyRejected: sumTokens(rejected),
      referenceChosen: sumTokens(referenceOfChosen),
      referenceRejected: sumTokens(referenceOfRejected),
    };
    // A token that the model holds for impossible says nothing that could be compared.
    return Object.values(row).every(Number.isFinite) ? [{ pairId, ...row }] : [];
  });
}
