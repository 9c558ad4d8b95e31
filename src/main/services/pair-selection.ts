import type { Page } from '../../shared/paging.ts';
import type { PairSelection } from '../../shared/pair-selection.ts';
import type { PairRow } from '../../shared/pairs.ts';
import type { Workspace } from '../workspace/workspace.ts';

const refused: readonly string[] = ['rejected_better', 'both_bad', 'broken_instruction'];

/** The pairs of a selection in the order they were made, so that turns of one sample are neighbours. */
export function* selectPairs(workspace: Workspace, selection: PairSelection): Generator<PairRow> {
  const { jobId, review, withoutFlags } = selection;
  for (let cursor: string | null = null; ;) {
    const page: Page<PairRow> = workspace.pairs.list({ cursor, limit: 1000, ...(jobId === null ? {} : { jobId }) });
    for (const pair of page.rows) {
      if (review === 'approved' && pair.verdict !== 'chosen_better') continue;
      if (review === 'not_refused' && refused.includes(pair.verdict ?? '')) continue;
      if (withoutFlags.some((flag) => pair.flags.includes(flag))) continue;
      yield pair;
    }
    if (page.next === null) return;
    cursor = page.next;
  }
}

/** Neighbouring pairs of the same sample in one list each. */
export function groupBySample(pairs: Iterable<PairRow>): PairRow[][] {
  const groups: PairRow[][] = [];
  for (const pair of pairs) {
    const group = groups.at(-1);
    if (group?.[0]?.sampleId === pair.sampleId) group.push(pair);
    else groups.push([pair]);
  }
  return groups;
}
