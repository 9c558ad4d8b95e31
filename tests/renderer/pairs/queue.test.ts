import fc from 'fast-check';
import { expect, test } from 'vitest';
import { auditQueueSchema } from '../../../src/shared/audit/queue.ts';
import {
  auditViewSchema,
  filterCount,
  firstView,
  queueOf,
  withoutFilters,
} from '../../../src/renderer/pages/pairs/audit-view.ts';
import { sourceHead, sourceOf, sourceValue } from '../../../src/renderer/components/score-source.ts';
import { nextInQueue } from '../../../src/renderer/pages/pairs/queue-steps.ts';

const none = { runs: [], models: [] };

test('the first view is the queue of unreviewed pairs as they were made', () => {
  expect(auditQueueSchema.parse(queueOf(firstView, 'ann', none))).toEqual(
    auditQueueSchema.parse({ seed: 1, reviewer: 'ann' }),
  );
  expect(auditViewSchema.parse(firstView)).toEqual(firstView);
  expect(filterCount(firstView)).toBe(0);
});

test('a view with filters asks for them; what cannot hold is left out', () => {
  const view = auditViewSchema.parse({
    ...firstView,
    ...{
      search: ' pier ',
      flags: ['identical'],
      documentType: 'pdf',
      run: 3,
      order: 'margin',
      score: { min: null, max: -2 },
    },
    ...{ documentCharacters: { min: 10, max: 5 }, answerCharacters: { min: 0, max: null } },
  });
  expect(filterCount(view)).toBe(5);
  const queue = auditQueueSchema.parse(queueOf(view, 'ann', { ...none, runs: [{ id: 3, name: 'a' }] }));
  expect(queue).toMatchObject({
    order: 'margin',
    filter: {
      ...{ search: 'pier', flags: ['identical'], documentType: 'pdf', answerCharacters: { min: 0 } },
      score: { runId: 3, of: 'margin', range: { max: -2 } },
    },
  });
  expect(queue.filter.documentCharacters).toBeUndefined();
  // A run of another workspace.
  const elsewhere = auditQueueSchema.parse(queueOf(view, 'ann', { ...none, runs: [{ id: 4, name: 'a' }] }));
  expect(elsewhere).toMatchObject({ order: 'made' });
  expect(elsewhere.filter.score).toBeUndefined();
  expect(withoutFilters(view)).toEqual({ ...firstView, search: ' pier ' });
});

test('a view may look at the scores of a model instead, and is read from before there were any', () => {
  const view = { ...firstView, model: 'abc', order: 'margin' as const };
  expect(filterCount(view)).toBe(1);
  const sources = { runs: [], models: [{ fingerprint: 'abc', name: 'base' }] };
  expect(auditQueueSchema.parse(queueOf(view, 'ann', sources))).toMatchObject({
    order: 'margin',
    filter: { score: { model: 'abc', of: 'margin', range: {} } },
  });
  expect(auditQueueSchema.parse(queueOf(view, 'ann', none)).filter.score).toBeUndefined();
  const { model: _, ...older } = firstView;
  expect(auditViewSchema.parse(older)).toEqual(firstView);
  for (const source of [null, { runId: 12 }, { model: 'a b' }]) expect(sourceOf(sourceValue(source))).toEqual(source);
  expect(sourceHead({ model: 'abc' }, sources).label).toBe('base, nats');
  expect(sourceHead({ runId: 2 }, sources).label).toBe('run 2, nats');
});

test('from pair to pair: each waiting one comes once, passed over ones at the end, then nothing', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { maxLength: 12 }),
      fc.infiniteStream(fc.boolean()),
      (ids, passes) => {
        const marks = new Map<number, 'both_good'>();
        const seen: number[] = [];
        let at = nextInQueue(ids, null, marks, true);
        for (let steps = 0; at !== null && steps < 200; steps += 1) {
          const passed = steps < 50 && ids.length - marks.size > 1 && passes.next().value === true;
          if (!passed) {
            expect(marks.has(at)).toBe(false);
            marks.set(at, 'both_good');
            seen.push(at);
          }
          at = nextInQueue(ids, at, marks, true);
        }
        expect([...seen].sort((a, b) => a - b)).toEqual([...ids].sort((a, b) => a - b));
      },
    ),
  );
  expect(nextInQueue([5, 3, 9], 3, new Map([[9, 'skipped']]), false)).toBe(9);
  expect(nextInQueue([5, 3, 9], 9, new Map(), false)).toBeNull();
  expect(nextInQueue([5, 3, 9], 9, new Map([[5, null]]), true)).toBe(5);
  expect(nextInQueue([5, 3], 77, new Map(), true)).toBe(5);
});
