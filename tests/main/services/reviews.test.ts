import fc from 'fast-check';
import { expect, test } from 'vitest';
import { atOnce } from '../../../src/main/services/in-turns.ts';
import { agreementReport, labelErrorReport } from '../../../src/main/services/agreement.ts';
import {
  auditCounts,
  auditPace,
  auditOrder,
  auditPair,
  auditRows,
  recordReview,
  reviewers,
  scoredRuns,
  undoReview,
} from '../../../src/main/services/reviews.ts';
import { opinionsAfter } from '../../../src/main/workspace/reviews.ts';
import { openWorkspace } from '../../../src/main/workspace/workspace.ts';
import { answerOrder, shownVerdicts } from '../../../src/shared/audit/answer-order.ts';
import type { AuditQueueInput } from '../../../src/shared/audit/queue.ts';
import type { RecordReview } from '../../../src/shared/audit/review.ts';
import { addChunkedDocument, open as openBare, pair, sampleOf, userError } from '../workspace/fixtures.ts';
import { addPairs } from './fixtures.ts';

/** A workspace with `documents` documents of two pairs each, and the shortest way to judge. */
function setUp(documents = 5) {
  let time = 1000;
  const workspace = openBare(undefined, { now: () => (time += 1000) });
  const context = { workspace };
  addPairs({ workspace }, documents);
  const judge = (pairId: number, review: Partial<RecordReview> = {}) => {
    const { reviewer = 'ann', blind = null } = review;
    const seen = auditPair(context, { pairId, reviewer, blind }).sha256;
    return recordReview(context, {
      ...{ pairId, reviewer, blind, seen, milliseconds: 2000, queue: { reviewer } },
      ...(review.edit === undefined && review.comment === undefined ? { verdict: 'first_better' as const } : {}),
      ...review,
    });
  };
  const ids = (queue: AuditQueueInput) => atOnce(auditOrder(context, queue));
  return { workspace, context, judge, ids };
}

test('what is judged leaves the queue and leaves no gap; the order of the others stays; counts are honest', () => {
  for (const order of ['made', 'random'] as const) {
    const { context, judge, ids } = setUp();
    const queue = { order, seed: 3, reviewer: 'ann' } as const;
    const expected = [...ids(queue)];
    expect(expected).toHaveLength(10);
    if (order === 'made') expect(expected).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    else expect(expected).not.toEqual([...expected].sort((a, b) => a - b));
    if (order === 'random') expect(ids({ ...queue, seed: 4 })).not.toEqual(expected);
    for (const [i, at] of [4, 1, 6].entries()) {
      const verdict = shownVerdicts[i];
      if (verdict === undefined) throw new Error('no verdict');
      judge(expected.splice(at, 1)[0] ?? 0, { queue, verdict });
      expect(ids(queue)).toEqual(expected);
    }
    expect(atOnce(auditCounts(context, { reviewer: 'ann' }))).toMatchObject({ all: 10, unreviewed: 7, done: 3 });
  }
});

test('rows come in the order asked for; in blind mode no field depends on which answer is which', () => {
  const { workspace, context, judge } = setUp(2);
  const { documentId, chunkIds } = addChunkedDocument(workspace);
  workspace.pairs.addSamples([sampleOf(documentId, [pair(chunkIds[0] ?? 0, 'c', ['identical', 'not_in_chunk'])])]);
  judge(5, { reviewer: 'bob', verdict: 'second_better' });
  judge(5, { blind: { seed: 2 } });
  const rows = auditRows(context, { ids: [5, 99, 1], reviewer: 'ann', blind: { seed: 2 } });
  expect(rows.map((row) => row.id)).toEqual([5, 1]);
  expect(rows[0]).toMatchObject({
    ...{ own: 'first_better', flags: ['identical'], verdict: null, disagreement: false, margin: null, question: 'c?' },
  });
  expect(JSON.stringify(rows)).not.toMatch(/chosen|rejected/);
  const [named] = auditRows(context, { ids: [5], reviewer: 'bob', blind: null });
  expect(named).toMatchObject({ own: 'second_better', flags: ['identical', 'not_in_chunk'] });
});

test('a pair names the turns of its sample', () => {
  const { context, judge } = setUp(2);
  judge(4, { edit: { question: 'And the crew?' } });
  expect(auditPair(context, { pairId: 3, reviewer: 'ann', blind: null })).toMatchObject({
    ...{ turn: 0, turns: 2 },
    sample: [
      { id: 3, turn: 0, question: 'When did the ship 1 sail?' },
      { id: 4, turn: 1, question: 'And the crew?' },
    ],
  });
});

test('two reviewers have a queue each; their disagreement is a queue of its own', () => {
  const { context, judge, ids } = setUp(2);
  judge(1);
  judge(2);
  judge(1, { reviewer: 'bob', verdict: 'second_better' });
  expect(ids({ reviewer: 'ann' })).toEqual([3, 4]);
  expect(ids({ reviewer: 'bob' })).toEqual([2, 3, 4]);
  expect(ids({})).toEqual([3, 4]);
  expect(ids({ filter: { queue: 'disagreement' } })).toEqual([1]);
  expect(ids({ filter: { queue: 'done' }, reviewer: 'bob' })).toEqual([1]);
  expect(reviewers(context)).toEqual([{ reviewer: 'ann', pairs: 2 }, { reviewer: 'bob', pairs: 1 }]); // prettier-ignore
  expect(auditRows(context, { ids: [2], reviewer: 'bob', blind: null })[0]).toMatchObject({
    ...{ id: 2, verdict: 'chosen_better', own: null, disagreement: false, documentType: 'txt', margin: null },
  });
});

test('filters: type, lengths, flags, verdict, document, search in edited texts, log-ratio of a run', () => {
  const { workspace, context, judge, ids } = setUp(2);
  const { documentId, chunkIds } = addChunkedDocument(workspace, `One. ${'x'.repeat(500)}`);
  workspace.pairs.addSamples([
    sampleOf(documentId, [
      { ...pair(chunkIds[0] ?? 0, 'c', ['identical', 'odd']), chosen: 'c'.repeat(90) },
      pair(chunkIds[1] ?? 0, 'd', ['identical']),
    ]),
  ]);
  const filtered = (filter: AuditQueueInput['filter']) => ids({ filter: { queue: 'all', ...filter } });
  expect(filtered({ documentType: 'md' })).toEqual([]);
  expect(filtered({ documentType: 'txt' })).toHaveLength(6);
  expect(filtered({ documentCharacters: { min: 100 } })).toEqual([5, 6]);
  expect(filtered({ documentCharacters: { max: 100 } })).toEqual([1, 2, 3, 4]);
  expect(filtered({ answerCharacters: { min: 90, max: 90 } })).toEqual([5]);
  expect(filtered({ flags: ['odd', 'other'] })).toEqual([5]);
  expect(filtered({ queue: 'flagged' })).toEqual([5, 6]);
  expect(filtered({ documentId })).toEqual([5, 6]);
  judge(2, { verdict: 'both_bad' });
  expect(filtered({ verdict: 'both_bad' })).toEqual([2]);
  judge(3, { edit: { second: '100% at TEA time' } });
  expect(filtered({ search: '0% at tea' })).toEqual([3]);
  expect(filtered({ search: '0_ at tea' })).toEqual([]);
  expect(filtered({ answerCharacters: { min: 16, max: 16 } })).toEqual([3]);

  const pairs = [1, 2, 3].map((pairId) => ({ pairId, revision: 0 }));
  const runId = workspace.runs.add({ name: 'r', config: {}, modelFingerprint: 'm', codeVersion: '0', pairs });
  const values = (pairId: number, chosen: number, rejected: number) => ({
    ...{ pairId, step: 4, policyChosen: -10 + chosen, referenceChosen: -10 },
    ...{ policyRejected: -20 + rejected, referenceRejected: -20 },
  });
  workspace.pairLogps.put(runId, [values(1, 2, -1), values(2, -1, 3), values(3, 0.5, 0.25)]);
  workspace.pairLogps.put(runId, [values(3, 1, 0.5)]);
  const score = (range: { min?: number; max?: number }, of: 'margin' | 'chosen' | 'rejected' = 'margin') =>
    filtered({ score: { runId, of, range } });
  expect(score({})).toEqual([1, 2, 3]);
  expect(score({ max: 0 })).toEqual([2]);
  expect(score({ min: 0.5, max: 0.5 })).toEqual([3]);
  expect(score({ min: 1 }, 'chosen')).toEqual([1, 3]);
  expect(score({ min: 3 }, 'rejected')).toEqual([2]);
  const byMargin = { order: 'margin', filter: { queue: 'all', score: { runId, of: 'margin', range: {} } } } as const;
  expect(ids(byMargin)).toEqual([2, 3, 1]);
  expect(auditRows(context, { ids: [1], reviewer: 'ann', blind: null, runId })[0]?.margin).toBe(3);
  expect(scoredRuns(context)).toEqual([{ id: runId, name: 'r' }]);
  expect(userError(() => ids({ order: 'margin' })).place.field).toBe('order');
  expect(userError(() => ids({ filter: { answerCharacters: { min: 2, max: 1 } } })).code).toBe('invalid_input');
  expect(() => workspace.pairLogps.put(runId, [values(1, NaN, 0)])).toThrow('not finite');
});

test('blind: both orders occur, nothing tells which is which, and verdicts and edits reach the right side', () => {
  const { workspace, context, judge } = setUp(20);
  const orders = new Set<string>();
  for (let pairId = 1; pairId <= 40; pairId += 1) {
    const detail = workspace.pairs.detail(pairId);
    const request = { pairId, reviewer: 'ann', blind: { seed: 1 } };
    const shown = auditPair(context, request);
    expect(shown).toMatchObject({ order: null, others: [], own: null });
    expect(JSON.stringify(shown)).not.toMatch(/chosen|rejected/);
    expect(auditPair(context, request)).toEqual(shown);
    const first = shown.answers[0] === detail.chosen ? 'chosen' : 'rejected';
    expect([...shown.answers].sort()).toEqual([detail.chosen, detail.rejected].sort());
    orders.add(first);
    const recorded = judge(pairId, { blind: { seed: 1 }, verdict: 'first_better' });
    expect(JSON.stringify(recorded)).not.toMatch(/chosen|rejected/);
    expect(workspace.pairs.detail(pairId).verdict).toBe(`${first}_better`);
    expect(auditPair(context, request).own).toBe('first_better');
    judge(pairId, { blind: { seed: 1 }, edit: { first: `better ${pairId}` } });
    expect(workspace.pairs.detail(pairId)[first]).toBe(`better ${pairId}`);
    expect(auditPair(context, request).generated?.answers).toEqual(shown.answers);
  }
  expect(orders.size).toBe(2);
  const named = auditPair(context, { pairId: 1, reviewer: 'bob', blind: null });
  expect(named).toMatchObject({ order: ['chosen', 'rejected'], others: [{ reviewer: 'ann' }] });
  expect(named.chunk).toMatchObject({ index: 0, count: 2, start: 0, place: { start: 0 } });
  expect(named.chunk.place.end).toBeCloseTo(24 / 44, 1);
});

test("the order of sides in blind mode is the workspace's own: no seed of the window tells it, and it stays", () => {
  const sides = ({ workspace, context }: Pick<ReturnType<typeof setUp>, 'workspace' | 'context'>) =>
    Array.from({ length: 80 }, (_, i) => {
      const shown = auditPair(context, { pairId: i + 1, reviewer: 'ann', blind: { seed: 0 } });
      return shown.answers[0] === workspace.pairs.detail(i + 1).chosen;
    });
  const one = setUp(40);
  const before = sides(one);
  expect(before).not.toEqual(sides(setUp(40)));
  expect(before).not.toEqual(
    Array.from({ length: 80 }, (_, i) => answerOrder(i + 1, 'ann', { seed: 0 })[0] === 'chosen'),
  );
  const { folder } = one.workspace;
  one.workspace.close();
  const workspace = openWorkspace(folder);
  expect(sides({ workspace, context: { workspace } })).toEqual(before);
  workspace.close();
});

test('a pair that was edited since it was shown is not judged', () => {
  const { workspace, context, judge } = setUp(1);
  const seen = auditPair(context, { pairId: 1, reviewer: 'bob', blind: null }).sha256;
  judge(1, { edit: { first: 'At dawn, with the tide.' } });
  expect(userError(() => judge(1, { reviewer: 'bob', seen })).code).toBe('conflict');
  expect(workspace.reviews.ofPair(1)).toHaveLength(1);
  expect(userError(() => judge(1, { reviewer: ' ' })).place.field).toBe('reviewer');
  expect(userError(() => judge(1, { edit: {} })).code).toBe('invalid_input');
  expect(userError(() => judge(1, { edit: { question: '' } })).place.field).toBe('edit.question');
});

test('undo takes back verdicts, edits and comments one by one, also of an earlier session; redo brings them back', () => {
  const { workspace, context, judge } = setUp(2);
  const generated = workspace.pairs.detail(1).chosen;
  judge(1, { comment: 'unclear' });
  judge(1, { edit: { first: 'At nine.' } });
  judge(1);
  judge(3, { reviewer: 'bob' });
  const undo = () => undoReview(context, { reviewer: 'ann' });
  expect(undo()).toMatchObject({ pairId: 1, undone: { verdict: true, edit: false, comment: false } });
  expect(workspace.pairs.detail(1).verdict).toBeNull();
  const edit = undo();
  expect(edit).toMatchObject({ undone: { edit: true, comment: false } });
  expect(workspace.pairs.detail(1).chosen).toBe(generated);
  undoReview(context, { reviewer: 'ann', reviewId: edit.id });
  expect(workspace.pairs.detail(1).revision).toBe(edit.undone.id);
  expect(workspace.pairs.detail(1).chosen).toBe('At nine.');
  expect(undo()).toMatchObject({ undone: { edit: true } });
  expect(auditPair(context, { pairId: 1, reviewer: 'ann', blind: null }).comments).toHaveLength(1);
  expect(undo()).toMatchObject({ undone: { comment: true } });
  expect(auditPair(context, { pairId: 1, reviewer: 'ann', blind: null }).comments).toEqual([]);
  expect(userError(undo).code).toBe('not_found');
  expect(userError(() => undoReview(context, { reviewer: 'ann', reviewId: 4 })).code).toBe('conflict');
  expect(userError(() => undoReview(context, { reviewer: 'ann', reviewId: 1 })).code).toBe('conflict');
  expect(workspace.pairs.detail(3).verdict).toBe('chosen_better');
});

test('pace', () => {
  const { context, judge } = setUp();
  expect(auditPace(context, { reviewer: 'ann' })).toEqual({ verdicts: 0, secondsEach: null });
  judge(1);
  expect(judge(2, { milliseconds: 4000 }).pace).toEqual({ verdicts: 2, secondsEach: 3 });
  judge(3, { milliseconds: 10 * 3600_000 }); // went home
  expect(auditPace(context, { reviewer: 'ann' }).secondsEach).toBe(202);
});

test('the reports read what is stored: error rate, how it was drawn, agreement', async () => {
  const { context, judge, ids } = setUp();
  const queue = { order: 'random', seed: 1, reviewer: 'ann' } as const;
  for (const id of ids(queue).slice(0, 4)) judge(id, { queue });
  const last = ids(queue)[0] ?? 0;
  judge(last, { queue, verdict: 'both_bad', blind: { seed: 2 } });
  const report = await labelErrorReport(context, { reviewer: 'ann' });
  expect(report).toMatchObject({ n: 5, blind: 1, error: { value: 0.2, n: 5 }, reversed: { value: 0 } });
  expect(report.sampling).toMatchObject({ kind: 'random', representative: true, population: 10 });
  expect(report.byDocumentType).toMatchObject([{ documentType: 'txt', n: 5 }]);
  const more = ids(queue)[2] ?? 0;
  judge(more, { queue, picked: true });
  expect((await labelErrorReport(context)).sampling).toMatchObject({ kind: 'mixed', representative: false });
  expect(await labelErrorReport(context, { reviewer: 'nobody' })).toMatchObject({ n: 0, error: null });
  judge(last, { reviewer: 'bob', verdict: 'both_bad' });
  judge(more, { reviewer: 'bob', verdict: 'skipped' });
  const agreement = await agreementReport(context);
  expect(agreement.two).toMatchObject([{ reviewers: ['ann', 'bob'], pairs: 1, agreement: { value: 1 } }]);
  expect(agreement.disagreements).toEqual([]);
  await expect(labelErrorReport(context, { lengthEdges: [5, 5] })).rejects.toMatchObject({
    place: { field: 'lengthEdges' },
  });
});

test('any acts and undos: the stored opinions are those that follow from the reviews', () => {
  const { workspace, judge, context } = setUp(1);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom('ann', 'bob'), fc.constantFrom(1, 2), fc.nat(7)), { maxLength: 8 }),
      (steps) => {
        for (const [reviewer, pairId, what] of steps) {
          if (what > 5) {
            try {
              undoReview(context, { reviewer });
            } catch (error) {
              expect(error).toMatchObject({ code: 'not_found' });
            }
          } else judge(pairId, { reviewer, verdict: shownVerdicts[what] ?? null });
        }
        for (const pairId of [1, 2]) {
          const acts = workspace.reviews.ofPair(pairId).map((act) => ({ ...act, edited: act.edit !== null }));
          const expected = [...opinionsAfter(acts)].map(([reviewer, { id, verdict }]) => [reviewer, id, verdict]);
          const found = workspace.opinions.ofPair(pairId).map((row) => [row.reviewer, row.reviewId, row.verdict]);
          expect(found).toEqual(expected.sort());
        }
      },
    ),
    { numRuns: 12 },
  );
});
