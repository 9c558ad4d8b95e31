import { everyRow } from '../../shared/paging.ts';
import type { Sample } from '../../shared/pairs.ts';
import type { SnapshotPair } from '../../shared/runs.ts';
import type { ReferenceName, ReferenceTurns } from '../engine/protocol/jobs.ts';
import type { Workspace } from '../workspace/workspace.ts';

/** A document as the engine asks for it. */
export function documentForEngine(workspace: Workspace, id: number): { text: string } {
  const text = workspace.documents.text(id);
  if (text === undefined) throw new Error(`there is no document ${id}`);
  return { text };
}

/** Neighbouring pairs of one sample: what `samples.ofPairs` reads at once. */
export function bySample(workspace: Workspace, pairs: readonly SnapshotPair[]): SnapshotPair[][] {
  const groups: SnapshotPair[][] = [];
  let previous: number | undefined;
  for (const pair of pairs) {
    const { sampleId } = workspace.pairs.detail(pair.pairId);
    if (sampleId === previous) groups.at(-1)?.push(pair);
    else groups.push([pair]);
    previous = sampleId;
  }
  return groups;
}

/** All samples, oldest first, one at a time. */
export function* allSamples(workspace: Workspace): Generator<Sample> {
  for (const id of everyRow((cursor) => workspace.samples.ids({ cursor, limit: 1000 })))
    yield workspace.samples.get(id);
}

/** Stored reference log-probabilities: one row of the store for each turn, a number a token. */
export function findReferences(workspace: Workspace, keys: readonly ReferenceName[]): (ReferenceTurns | null)[] {
  return keys.map((key) => {
    const chosen: (readonly number[])[] = [];
    const rejected: (readonly number[])[] = [];
    for (let turn = 0; ; turn += 1) {
      const found = workspace.referenceLogps.get(turnKey(key, turn));
      if (found === undefined) break;
      chosen.push(found.chosen);
      rejected.push(found.rejected);
    }
    return chosen.length === 0 ? null : { chosen, rejected };
  });
}

/** Stores what `findReferences` finds, all rows or none. */
export function storeReferences(workspace: Workspace, rows: readonly (ReferenceName & ReferenceTurns)[]): void {
  workspace.referenceLogps.put(
    rows.flatMap((row) =>
      row.chosen.map((chosen, turn) => ({ ...turnKey(row, turn), chosen, rejected: row.rejected[turn] ?? [] })),
    ),
  );
}

function turnKey({ modelFingerprint, rope, text }: ReferenceName, turn: number) {
  return { modelFingerprint, rope, textSha256: `${text}/${turn}` };
}
