import { expect, it } from 'vitest';
import { meanNll, perplexity, scoreTexts } from '../../../../src/main/engine/evaluation/text-nll.ts';
import type { ModelRunner } from '../../../../src/main/engine/model/runner.ts';
import { stateOf } from '../generation/ngram-runner.ts';

/** p(next | token) = (next + 1) / 10 for tokens 0..3, whatever came before: every value is known exactly. */
const runner: Pick<ModelRunner, 'score'> = {
  score: async (tokens, targets) => {
    for (const [m, row] of targets.from.entries()) expect(tokens.ids[row + 1]).toBe(targets.target[m]);
    return Float32Array.from(targets.target, (token) => Math.log((token + 1) / 10));
  },
};
const ids = (...tokens: number[]): Int32Array => Int32Array.from(tokens);

it('predicts every token after the lead', async () => {
  const texts = [ids(3, 3, 1), ids(0), ids()];
  const withLead = await scoreTexts(runner, stateOf(16), texts, { lead: ids(2), maxTokens: 16 });
  expect(withLead.map(({ tokens, cut }) => [tokens, cut])).toEqual([
    [3, false],
    [1, false],
    [0, false],
  ]);
  expect(withLead[0]?.sum).toBeCloseTo(-2 * Math.log(0.4) - Math.log(0.2), 6);
  const without = await scoreTexts(runner, stateOf(16), texts, { lead: ids(), maxTokens: 16 });
  expect(without.map(({ tokens }) => tokens)).toEqual([2, 0, 0]);
  const nll = meanNll(withLead);
  expect(nll.n).toBe(2);
  expect(nll.value).toBeCloseTo((-2 * Math.log(0.4) - Math.log(0.2) - Math.log(0.1)) / 4, 6);
  expect(perplexity(nll).value).toBeCloseTo((0.4 * 0.4 * 0.2 * 0.1) ** -0.25, 5);
});

it('reads only the start of a text that is too long, and says so', async () => {
  const [short, long] = await scoreTexts(runner, stateOf(4), [ids(1, 1, 1), ids(1, 1, 1, 1)], {
    lead: ids(0),
    maxTokens: 9,
  });
  expect([short?.cut, short?.tokens, long?.cut, long?.tokens]).toEqual([false, 3, true, 3]);
});
