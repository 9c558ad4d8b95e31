import { pairEffect } from '../../shared/audit/verdict-effects.ts';
import { everyRow } from '../../shared/paging.ts';
import type { PairSelection } from '../../shared/pair-selection.ts';
import type { PairRow } from '../../shared/pairs.ts';
import type { SnapshotPair } from '../../shared/runs.ts';
import type { Workspace } from '../workspace/workspace.ts';

/** A pair that was chosen; its texts are as edited and not yet exchanged. */
export interface SelectedPair extends PairRow {
  /** Training sees the rejected answer as the chosen one, and the other way round. */
  readonly swapped: boolean;
}

/**
 * The pairs of a selection in the order they were made, so that turns of one sample are neighbours. What the verdicts
 * do is `verdictEffects`.
 *
 * @param archived the archived pairs instead of those in use; nothing trains on them
 */
export function* selectPairs(
  workspace: Workspace,
  selection: PairSelection,
  archived = false,
): Generator<SelectedPair> {
  const { jobId, review, withoutFlags } = selection;
  const wanted = { limit: 1000, archived, ...(jobId === null ? {} : { jobId }) };
  for (const pair of everyRow((cursor) => workspace.pairs.list({ ...wanted, cursor }))) {
    const opinions = pair.verdict === null ? [] : workspace.opinions.ofPair(pair.id).map(({ verdict }) => verdict);
    const effect = pairEffect(review, pair.verdict, opinions);
    if (effect === 'leave_out') continue;
    if (withoutFlags.some((flag) => pair.flags.includes(flag))) continue;
    yield { ...pair, swapped: effect === 'swap' };
  }
}

/** A chosen pair as a run's data names it. */
export function snapshotPair({ id, revision, swapped }: SelectedPair): SnapshotPair {
  return { pairId: id, revision, ...(swapped ? { swapped } : {}) };
}

/** Neighbouring pairs of the same sample in one list each. */
export function groupBySample(pairs: Iterable<SelectedPair>): SelectedPair[][] {
  const groups: SelectedPair[][] = [];
  for (const pair of pairs) {
    const group = groups.at(-1);
    if (group?.[0]?.sampleId === pair.sampleId) group.push(pair);
    else groups.push([pair]);
  }
  return groups;
}
