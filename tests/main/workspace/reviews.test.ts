import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { NewReview, Verdict } from '../../../src/shared/pairs.ts';
import { stateAfter } from '../../../src/main/workspace/reviews.ts';
import { open, userError, withPairs } from './fixtures.ts';

function setUp() {
  const workspace = open(undefined, { now: () => 1000 });
  const [pairId = 0, other = 0] = withPairs(workspace).pairIds;
  const say = (act: Partial<NewReview>) =>
    workspace.reviews.append({ pairId, reviewer: 'ann', blind: true, milliseconds: 900, ...act });
  return { workspace, pairId, other, say };
}

test('verdicts are added, never changed; the latest one counts and an undo brings back the one before', () => {
  const { workspace, pairId, say } = setUp();
  const first = say({ verdict: 'chosen_better', comment: 'clear' });
  const second = say({ verdict: 'both_bad' });
  expect(second.state.verdict).toBe('both_bad');
  expect(say({ undoes: second.id }).state.verdict).toBe('chosen_better');
  const nothing = say({ undoes: first.id });
  expect(nothing.state.verdict).toBeNull();
  expect(say({ undoes: nothing.id }).state.verdict).toBe('chosen_better'); // redo
  expect(workspace.reviews.ofPair(pairId)).toHaveLength(5);
  expect(workspace.reviews.ofPair(pairId)[0]).toEqual({
    ...{ id: 1, pairId, reviewer: 'ann', verdict: 'chosen_better', edit: null, comment: 'clear', undoes: null },
    ...{ blind: true, milliseconds: 900, createdAt: 1000 },
  });
  expect(workspace.pairs.queueCounts()).toEqual({ all: 2, unreviewed: 1, disagreement: 0, flagged: 1, done: 1 });
  expect(workspace.reviews.pace('ann')).toEqual({ reviews: 2, milliseconds: 1800 });
});

test('reviewers who differ are a disagreement; a skip is none', () => {
  const { workspace, pairId, say } = setUp();
  say({ verdict: 'chosen_better' });
  expect(say({ reviewer: 'bob', verdict: 'skipped' }).state).toMatchObject({ verdict: 'skipped', disagreement: false });
  expect(say({ reviewer: 'bob', verdict: 'rejected_better' }).state.disagreement).toBe(true);
  expect(workspace.pairs.list({ queue: 'disagreement' }).rows.map((row) => row.id)).toEqual([pairId]);
  expect(say({ verdict: 'rejected_better' }).state.disagreement).toBe(false);
});

test('edits change the texts and the hash in a new revision; the generated texts stay', () => {
  const { workspace, pairId, say } = setUp();
  const before = workspace.pairs.detail(pairId);
  const edit = say({ edit: { chosen: 'better' } });
  const again = say({ edit: { question: 'Which?' } });
  const after = workspace.pairs.detail(pairId);
  expect(after).toMatchObject({ question: 'Which?', chosen: 'better', rejected: 'b long', revision: again.id });
  expect(after.generated).toEqual({ question: 'b?', chosen: 'b short', rejected: 'b long' });
  expect(after.sha256).not.toBe(before.sha256);
  expect(workspace.samples.ofPairs([{ pairId, revision: edit.id }]).turns[0]).toMatchObject({
    ...{ question: 'b?', chosen: 'better', revision: edit.id },
  });
  expect(workspace.samples.ofPairs([{ pairId, revision: 0 }]).turns[0]?.sha256).toBe(before.sha256);
  say({ undoes: again.id });
  say({ undoes: edit.id });
  expect(workspace.pairs.detail(pairId)).toEqual(before);
  expect(workspace.pairs.list({ search: 'better' }).rows).toEqual([]);
});

test('what is no review is refused', () => {
  const { workspace, other, say } = setUp();
  const { id } = say({ verdict: 'both_good' });
  expect(userError(() => say({})).code).toBe('invalid_input');
  expect(userError(() => say({ verdict: 'both_good', undoes: id })).code).toBe('invalid_input');
  expect(userError(() => say({ verdict: 'good' as Verdict })).place.field).toBe('verdict');
  expect(userError(() => say({ edit: {} })).code).toBe('invalid_input');
  expect(userError(() => say({ pairId: 99, verdict: 'both_bad' })).code).toBe('not_found');
  expect(userError(() => say({ pairId: other, undoes: id })).code).toBe('not_found');
  expect(workspace.reviews.list().rows).toHaveLength(1);
});

test('any list of acts: the state is that of the acts which are in force, worked out the slow way', () => {
  const act = fc.record({
    reviewer: fc.constantFrom('a', 'b'),
    verdict: fc.constantFrom<(Verdict | null)[]>('chosen_better', 'both_bad', 'skipped', null),
    edited: fc.boolean(),
    undoes: fc.option(fc.nat(12), { nil: null }),
  });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 12 }), (list) => {
      const acts = list.map(({ undoes, ...rest }, index) =>
        undoes !== null && undoes < index
          ? { id: index + 1, reviewer: rest.reviewer, verdict: null, edited: false, undoes: undoes + 1 }
          : { ...rest, id: index + 1, undoes: null },
      );
      const holds = (id: number): boolean => !acts.some((other) => other.undoes === id && holds(other.id));
      const inForce = acts.filter((other) => other.undoes === null && holds(other.id));
      const voiced = inForce.filter((other) => other.verdict !== null);
      const last = (who: string) => voiced.findLast((other) => other.reviewer === who)?.verdict ?? 'skipped';
      const [a, b] = [last('a'), last('b')];
      expect(stateAfter(acts)).toEqual({
        verdict: voiced.at(-1)?.verdict ?? null,
        disagreement: a !== 'skipped' && b !== 'skipped' && a !== b,
        revision: inForce.findLast((other) => other.edited)?.id ?? 0,
      });
    }),
  );
});
