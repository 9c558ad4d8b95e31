import { expect, it } from 'vitest';
import { evaluateHeldOut, type HeldOutOptions } from '../../../../src/main/engine/training/held-out.ts';
import { referenceContexts, scoreReferences } from '../../../../src/main/engine/training/reference.ts';
import { parseRunConfig } from '../../../../src/shared/run-config.ts';
import { bigramExamples } from './bigram-examples.ts';
import { BigramRunner, NO_ROPE, randomParameters, VOCABULARY } from './bigram-runner.ts';

async function setUp(parameters: (runner: BigramRunner) => Promise<Float32Array>) {
  const runner = new BigramRunner();
  const model = { fingerprint: 'bigram', rope: runner.config.rope, ropeFor: () => NO_ROPE };
  const noCache = { get: async () => undefined, set: async () => undefined };
  const contexts = referenceContexts({ objective: 'longpo' });
  const options: HeldOutOptions = {
    settings: parseRunConfig({ lambda: 1 }),
    parameters: await parameters(runner),
    policyRope: () => NO_ROPE,
    referenceRope: () => NO_ROPE,
  };
  return { runner, options, examples: await scoreReferences(runner, bigramExamples(3), model, noCache, { contexts }) };
}

it('has no KL at the start where long and short context read alike', async () => {
  const { runner, options, examples } = await setUp(async (model) => {
    const vector = await model.referenceParameters();
    return vector.copyWithin(vector.length - VOCABULARY, vector.length - 2 * VOCABULARY, vector.length - VOCABULARY);
  });
  const values = await evaluateHeldOut(runner, examples, options);
  expect(values?.['eval_kl/exact/chosen']).toBeCloseTo(0, 6);
  expect(values?.['eval_kl/exact/rejected']).toBeCloseTo(0, 6);
  expect(values?.['eval_rewards/margins']).toBeCloseTo(0, 5);
  expect(values?.eval_preference_loss).toBeCloseTo(Math.LN2, 5);
});

it('computes the exact KL that a sum over the vocabulary gives', async () => {
  const { runner, options, examples } = await setUp(async () => randomParameters(9));
  const values = await evaluateHeldOut(runner, examples, options);
  const reference = await runner.referenceParameters();
  let mean = 0;
  for (const { tree, short } of examples) {
    let sum = 0;
    for (const [turn, [start, end]] of tree.rejected.entries()) {
      const shortTree = short[turn] ?? expect.fail();
      const [shortStart] = shortTree.rejected[0] ?? expect.fail();
      for (let t = start; t < end; t += 1) {
        // The first token of a rejected branch follows the prefix.
        const row = t === tree.tokens.prefix + tree.tokens.first ? tree.tokens.prefix - 1 : t - 1;
        const shortRow = t === start ? shortTree.tokens.prefix - 1 : shortStart + (t - start) - 1;
        const p = await runner.logProbabilities(tree.tokens, Int32Array.of(row), { ...options, rope: NO_ROPE });
        const q = await runner.logProbabilities(shortTree.tokens, Int32Array.of(shortRow), {
          parameters: reference,
          rope: NO_ROPE,
        });
        p.forEach((logp, v) => (sum += Math.exp(logp) * (logp - (q[v] ?? NaN))));
      }
    }
    mean += sum / 6 / examples.length;
  }
  expect(mean).toBeGreaterThan(0.01);
  expect(values?.['eval_kl/exact/rejected']).toBeCloseTo(mean, 10);
});

it('stops between examples', async () => {
  const { runner, options, examples } = await setUp((model) => model.referenceParameters());
  expect(await evaluateHeldOut(runner, examples, { ...options, signal: AbortSignal.abort() })).toBeUndefined();
});
