import { expect, test } from 'vitest';
import {
  answerOrder,
  shownVerdict,
  shownVerdicts,
  storedEdit,
  storedVerdict,
} from '../../../src/shared/audit/answer-order.ts';

test('blind orders are balanced, and independent between reviewers, pairs and seeds', () => {
  const first = (pairId: number, reviewer: string, seed: number): boolean =>
    answerOrder(pairId, reviewer, { seed })[0] === 'chosen';
  const n = 4000;
  const count = (test: (pairId: number) => boolean): number =>
    Array.from({ length: n }, (_, i) => i + 1).filter(test).length;
  const near = (found: number): void => expect(Math.abs(found - n / 2)).toBeLessThan(4 * Math.sqrt(n / 4));
  near(count((id) => first(id, 'ann', 0)));
  near(count((id) => first(id, 'ann', 0) === first(id, 'bob', 0)));
  near(count((id) => first(id, 'ann', 0) === first(id, 'ann', 1)));
  near(count((id) => first(id, 'ann', 0) === first(id + 1, 'ann', 0)));
  near(count((id) => first(id, 'ann', 0) === first(id + 10, 'ann', 0)));
  expect(answerOrder(5, 'ann', null)).toEqual(['chosen', 'rejected']);
});

test('what is said of A and B means chosen and rejected, there and back', () => {
  for (const order of [
    ['chosen', 'rejected'],
    ['rejected', 'chosen'],
  ] as const) {
    // prettier-ignore
    for (const verdict of shownVerdicts) expect(shownVerdict(storedVerdict(verdict, order), order)).toBe(verdict);
    expect(storedVerdict('first_better', order)).toBe(`${order[0]}_better`);
    expect(storedEdit({ first: 'x', question: 'q' }, order)).toEqual({ question: 'q', [order[0]]: 'x' });
  }
  expect(storedEdit({}, ['chosen', 'rejected'])).toEqual({});
});
