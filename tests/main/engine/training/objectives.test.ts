import { describe, expect, it } from 'vitest';
import {
  answerLogps,
  buildAnswerTargets,
  buildEvaluationTargets,
  buildTargets,
  chosenOnly,
  negativeLogSigmoid,
  nllValues,
  objectiveInput,
  objectiveValue,
  preferenceValues,
  predictedFrom,
  shortToLongKl,
  sumTokens,
  sumTurns,
  type AnswerLogps,
  type AnswerTree,
  type ObjectiveSettings,
  type ObjectiveTargets,
} from '../../../../src/main/engine/training/objectives.ts';
import { GOLDEN_CASES, goldenTree, packedLogps, readGoldenCase, type GoldenCase } from './golden-longpo.ts';

const LONGPO: ObjectiveSettings = { objective: 'longpo', beta: 0.1, lambda: 0.01, nllDocument: 1, nllAnswers: 0 };
const DPO: ObjectiveSettings = { objective: 'dpo', beta: 0.1, lambda: 1, nllDocument: 0, nllAnswers: 0 };
const SFT: ObjectiveSettings = { objective: 'sft', beta: 0.1, lambda: 1, nllDocument: 0, nllAnswers: 1 };

/** Tolerances of the golden README. */
const LOGPS = 1e-3;
const NLL = 1e-5;
const LOSS = 1e-4;
const KL = 5e-4;

function near(actual: number | undefined, expected: number | undefined, tolerance: number, what: string): void {
  expect(Math.abs((actual ?? NaN) - (expected ?? NaN)), `${what}: ${actual} for ${expected}`).toBeLessThan(tolerance);
}

interface GoldenRow {
  readonly id: string;
  readonly tree: AnswerTree;
  /** Of every token of the packed row. */
  readonly logps: Float32Array;
  readonly reference: AnswerLogps;
}

function goldenRows({ inputs, tensors }: GoldenCase): GoldenRow[] {
  const tensor = (name: string): Float32Array => tensors.get(name) ?? expect.fail(`no tensor ${name}`);
  return inputs.examples.map((example) => {
    const { id } = example;
    const tree = goldenTree(example);
    const reference = (side: string): Float32Array[] =>
      example.turns.map((_, turn) => tensor(`tokens.${id}.${side}.turn${turn}.reference_logps`));
    return {
      id,
      tree,
      logps: packedLogps(tree, tensor(`logps.${id}.chosen`), tensor(`logps.${id}.rejected`)),
      reference: { chosen: reference('chosen'), rejected: reference('rejected') },
    };
  });
}

/** What a runner would return for the targets: the target tokens' log-probabilities, found through `from`. */
function scored({ tree, logps }: GoldenRow, { targets }: ObjectiveTargets): Float32Array {
  const { ids, prefix, first } = tree.tokens;
  return Float32Array.from(targets.from, (from, m) => {
    const candidates = [from + 1, ...(from === prefix - 1 ? [prefix + first] : [])];
    const isLast = m >= 1 && from < (targets.from[m - 1] ?? 0); // back to the prefix: the rejected branch begins
    const token = isLast ? candidates.at(-1) : candidates[0];
    expect(ids[token ?? -1]).toBe(targets.target[m]);
    return logps[token ?? -1] ?? NaN;
  });
}

describe.each(GOLDEN_CASES)('golden %s', (name) => {
  const golden = readGoldenCase(name);
  const rows = goldenRows(golden);

  it('predicts every token from the golden row', () => {
    golden.inputs.examples.forEach((example, i) => {
      const tree = rows[i]?.tree ?? expect.fail();
      const all = example.packed.input_ids.map((_, t) => (t === 0 ? -1 : predictedFrom(tree.tokens, t)));
      expect(all).toEqual(example.packed.predicted_from);
      const labelled = example.packed.labels.flatMap((label, t) => (label === -100 ? [] : [t]));
      const answers = [...tree.chosen, ...tree.rejected].flatMap(([start, end]) =>
        Array.from({ length: end - start }, (_, k) => start + k),
      );
      expect(answers).toEqual(labelled);
    });
  });

  it('gives the golden scalars of every example', () => {
    for (const row of rows) {
      const expected = golden.expected.examples[row.id] ?? expect.fail();
      const targets = buildEvaluationTargets(row.tree, LONGPO);
      const logps = scored(row, targets);
      const policy = answerLogps(logps, targets);
      for (const side of ['chosen', 'rejected'] as const) {
        policy[side].forEach((turn, i) => {
          near(sumTokens(turn), expected.policy_turn_logps[side][i], LOGPS, `${side} turn ${i}`);
          const kl = shortToLongKl([turn], [row.reference[side][i] ?? expect.fail()]);
          expect(kl.tokens).toBe(expected.kl[side][i]?.tokens);
          near(kl.logRatioSum, expected.kl[side][i]?.log_ratio_sum, KL, `${side} log ratio ${i}`);
          near(kl.k3Sum, expected.kl[side][i]?.k3_sum, KL, `${side} k3 ${i}`);
        });
        expected.reference_turn_logps[side].forEach((sum, i) =>
          near(sumTokens(row.reference[side][i] ?? expect.fail()), sum, LOGPS, `${side} reference ${i}`),
        );
      }
      const nll = nllValues(logps, targets);
      near(nll.whole, expected.nll_full, NLL, 'nll_full');
      near(nll.answers, expected.nll_answer, NLL, 'nll_answer');
      expect([nll.wholeTokens, nll.answerTokens]).toEqual([expected.nll_full_tokens, expected.nll_answer_tokens]);

      const values = preferenceValues(policy, row.reference, DPO);
      const rewards = expected['rewards_b0.1'];
      near(values.logpsChosen, expected.policy_chosen_logps, LOGPS, 'logps chosen');
      near(values.logpsRejected, expected.policy_rejected_logps, LOGPS, 'logps rejected');
      near(values.rewardChosen / 0.1, expected.chosen_log_ratio, LOGPS, 'chosen log ratio');
      near(values.rewardRejected / 0.1, expected.rejected_log_ratio, LOGPS, 'rejected log ratio');
      near(values.rewardChosen, rewards.chosen, LOSS, 'reward chosen');
      near(values.rewardRejected, rewards.rejected, LOSS, 'reward rejected');
      near(values.margin, rewards.margin, LOSS, 'margin');
      expect(values.accuracy).toBe(rewards.margin > 0 ? 1 : 0);
      near(values.preference, expected.losses['preference_b0.1'], LOSS, 'preference');
    }
  });

  it.each([
    ['longpo_b0.1_l0.01', LONGPO],
    ['longpo_b0.01_l0.01', { ...LONGPO, beta: 0.01 }],
    ['longpo_b0.1_l1.0', { ...LONGPO, lambda: 1 }],
    ['preference_b0.1', { ...LONGPO, lambda: 1, nllDocument: 0 }],
    ['nll_full', { ...SFT, nllDocument: 1, nllAnswers: 0 }],
    ['sft', SFT],
  ] satisfies [string, ObjectiveSettings][])('gives the golden %s, for the batch too', (loss, settings) => {
    let mean = 0;
    for (const row of rows) {
      const targets = buildTargets(row.tree, settings);
      const input = objectiveInput(targets, settings, settings.objective === 'sft' ? undefined : row.reference);
      const value = objectiveValue(scored(row, targets), input);
      near(value.loss, golden.expected.examples[row.id]?.losses[loss], LOSS, `${row.id} ${loss}`);
      mean += value.loss / rows.length;
    }
    near(mean, golden.expected.batch[loss], LOSS, loss);
  });

  it('gives the golden DPO from reference sums on the long input', () => {
    for (const row of rows) {
      const expected = golden.expected.examples[row.id] ?? expect.fail();
      const targets = buildTargets(row.tree, DPO);
      const long = {
        chosen: [Float32Array.of(expected.reference_long_chosen_logps)],
        rejected: [Float32Array.of(expected.reference_long_rejected_logps)],
      };
      const value = objectiveValue(scored(row, targets), objectiveInput(targets, DPO, long));
      near(value.loss, expected.losses['dpo_b0.1'], LOSS, 'dpo');
    }
  });
});

// [5 6 | 7 8 9 | 10 11], answers: chosen 8 9, rejected 10 11.
const SMALL: AnswerTree = {
  tokens: { ids: Int32Array.of(5, 6, 7, 8, 9, 10, 11), prefix: 2, first: 3, second: 2 },
  chosen: [[3, 5]],
  rejected: [[5, 7]],
};

describe('buildTargets', () => {
  it('targets only the answers for DPO, and the rejected branch starts from the prefix', () => {
    const { targets, nllWeight, chosenMask, rejectedMask } = buildTargets(SMALL, DPO);
    expect([...targets.from]).toEqual([2, 3, 1, 5]);
    expect([...targets.target]).toEqual([8, 9, 10, 11]);
    expect([...nllWeight]).toEqual([0, 0, 0, 0]);
    expect([...chosenMask]).toEqual([1, 1, 0, 0]);
    expect([...rejectedMask]).toEqual([0, 0, 1, 1]);
  });

  it('mixes both NLL means in the weights', () => {
    const { targets, nllWeight, chosenMask } = buildTargets(SMALL, { ...LONGPO, nllDocument: 0.1, nllAnswers: 1 });
    expect([...targets.from]).toEqual([0, 1, 2, 3, 1, 5]);
    const whole = 0.1 / 4;
    const expected = [whole, whole, whole + 0.5, whole + 0.5, 0, 0];
    nllWeight.forEach((weight, m) => expect(weight).toBeCloseTo(expected[m] ?? NaN, 7));
    expect([...chosenMask]).toEqual([0, 0, 1, 1, 0, 0]);
  });

  it('leaves the rejected branch out of SFT', () => {
    const { targets, rejectedMask, chosenMask } = buildTargets(SMALL, SFT);
    expect([...targets.target]).toEqual([8, 9]);
    expect([...chosenMask, ...rejectedMask]).toEqual([0, 0, 0, 0]);
    const cut = chosenOnly(SMALL);
    expect(cut.tokens).toEqual({ ids: Int32Array.of(5, 6, 7, 8, 9), prefix: 2, first: 3, second: 0 });
    expect(buildTargets(cut, SFT)).toEqual(buildTargets(SMALL, SFT));
  });

  it('names the turns in target coordinates', () => {
    expect(buildEvaluationTargets(SMALL, DPO)).toMatchObject({
      chosenTurns: [[2, 4]],
      rejectedTurns: [[4, 6]],
      wholeTokens: 4,
    });
    expect(buildAnswerTargets(SMALL)).toMatchObject({ chosenTurns: [[0, 2]], rejectedTurns: [[2, 4]], wholeTokens: 0 });
  });

  it('refuses spans outside their branch', () => {
    expect(() => buildAnswerTargets({ ...SMALL, chosen: [[3, 6]] })).toThrow('chosen answer [3, 6)');
    expect(() => buildAnswerTargets({ ...SMALL, rejected: [[4, 6]] })).toThrow('rejected answer [4, 6)');
  });
});

describe('preference arithmetic', () => {
  it('stays finite far from zero', () => {
    expect(negativeLogSigmoid(0)).toBeCloseTo(Math.LN2, 15);
    expect(negativeLogSigmoid(1e4)).toBe(0);
    expect(negativeLogSigmoid(-1e4)).toBe(1e4);
  });

  it('counts equal rewards as not accurate', () => {
    const same = { chosen: [Float32Array.of(-1)], rejected: [Float32Array.of(-2)] };
    expect(preferenceValues(same, same, DPO)).toMatchObject({ margin: 0, accuracy: 0 });
    expect(sumTurns(same.chosen)).toBe(-1);
  });

  it('refuses turns of different lengths', () => {
    expect(() => shortToLongKl([Float32Array.of(1)], [Float32Array.of(1, 2)])).toThrow('Turn 1');
  });

  it('needs a reference for the preference term', () => {
    expect(() => objectiveInput(buildTargets(SMALL, DPO), DPO, undefined)).toThrow('no reference');
  });
});
