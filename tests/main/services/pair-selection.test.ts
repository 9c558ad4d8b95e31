import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { groupBySample, selectPairs, snapshotPair } from '../../../src/main/services/pair-selection.ts';
import { exportPairs } from '../../../src/main/services/pairs.ts';
import { verdictEffects } from '../../../src/shared/audit/verdict-effects.ts';
import { pairSelectionSchema } from '../../../src/shared/pair-selection.ts';
import type { PairSelection } from '../../../src/shared/pair-selection.ts';
import { verdicts } from '../../../src/shared/pairs.ts';
import type { NewReview } from '../../../src/shared/pairs.ts';
import { addPairs, open, temporaryFolder } from './fixtures.ts';

function setUp() {
  const context = open();
  addPairs(context, 4); // pairs 1 to 8
  const { workspace } = context;
  const say = (pairId: number, act: Partial<NewReview>) =>
    workspace.reviews.append({ pairId, reviewer: 'ann', blind: true, milliseconds: 1, ...act });
  const effects = (review: PairSelection['review']) =>
    [...selectPairs(workspace, pairSelectionSchema.parse({ review }))].map((pair) =>
      pair.swapped ? `${pair.id} swapped` : `${pair.id}`,
    );
  return { context, workspace, say, effects };
}

test('each verdict does what the table says', () => {
  const { say, effects } = setUp();
  for (const [i, verdict] of verdicts.entries()) say(i + 1, { verdict });
  const names = [...verdicts, 'unreviewed', 'unreviewed'] as const;
  for (const review of ['all', 'corrected', 'not_refused', 'approved'] as const) {
    const expected = names.flatMap((name, i) => {
      const effect: string = verdictEffects[review][name];
      return effect === 'leave_out' ? [] : [effect === 'swap' ? `${i + 1} swapped` : `${i + 1}`];
    });
    expect(effects(review), review).toEqual(expected);
  }
  expect(effects('corrected')).toEqual(['1', '2 swapped', '3', '6', '7', '8']);
  expect(pairSelectionSchema.parse({}).review).toBe('corrected');
});

test('reviewers who differ about the effect: the pair is left out until they agree', () => {
  const { say, effects } = setUp();
  say(1, { verdict: 'chosen_better' });
  say(1, { verdict: 'both_good', reviewer: 'bob' }); // another verdict, the same effect
  say(2, { verdict: 'rejected_better' });
  const other = say(2, { verdict: 'chosen_better', reviewer: 'bob' });
  say(3, { verdict: 'rejected_better' });
  say(3, { verdict: 'skipped', reviewer: 'bob' }); // no opinion
  expect(effects('corrected').slice(0, 3)).toEqual(['1', '3 swapped', '4']);
  say(2, { undoes: other.id });
  expect(effects('corrected').slice(0, 3)).toEqual(['1', '2 swapped', '3 swapped']);
});

test('training and export see the edited texts, exchanged; the run remembers both', async () => {
  const { context, workspace, say } = setUp();
  const plain = workspace.samples.ofPairs([{ pairId: 1, revision: 0 }]).turns[0];
  say(1, { edit: { rejected: 'At first light.' } });
  say(1, { verdict: 'rejected_better' });
  const selection = pairSelectionSchema.parse({});
  const [group = []] = groupBySample(selectPairs(workspace, selection));
  const snapshot = group.map(snapshotPair);
  expect(snapshot).toEqual([{ pairId: 1, revision: 1, swapped: true }, { pairId: 2, revision: 0 }]); // prettier-ignore
  const [first, second] = workspace.samples.ofPairs(snapshot).turns;
  expect(first).toMatchObject({ chosen: 'At first light.', rejected: 'At dawn.', swapped: true });
  expect(second).toMatchObject({ chosen: 'It slept.', rejected: 'It sailed.' });
  expect(second).not.toHaveProperty('swapped');
  expect(first?.sha256).not.toBe(workspace.pairs.detail(1).sha256);
  expect(first?.sha256).not.toBe(plain?.sha256);

  const run = { name: 'r', config: {}, modelFingerprint: 'm', codeVersion: '0' };
  const swapped = workspace.runs.add({ ...run, pairs: snapshot });
  expect(workspace.runs.data(swapped).pairs).toEqual(snapshot);
  const as = workspace.runs.add({ ...run, pairs: snapshot.map(({ pairId, revision }) => ({ pairId, revision })) });
  expect(workspace.runs.get(as).dataSha256).not.toBe(workspace.runs.get(swapped).dataSha256);

  const path = join(temporaryFolder(), 'pairs.jsonl');
  await exportPairs(context, { path, provenance: true });
  const row = JSON.parse(readFileSync(path, 'utf8').split('\n')[0] ?? '') as {
    chosen: { content: string }[];
    rejected: { content: string }[];
    provenance: { pairs: { swapped?: true }[] };
  };
  expect(row.chosen[0]?.content).toBe('At first light.');
  expect(row.rejected[0]?.content).toBe('At dawn.');
  expect(row.provenance.pairs.map((pair) => pair.swapped)).toEqual([true, undefined]);
});
