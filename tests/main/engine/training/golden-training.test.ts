import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tensorOf } from '../../../../src/main/engine/model/parameters.ts';
import type { ResidentModel } from '../../../../src/main/engine/resident/resident-model.ts';
import type { RopeFor, ScoredExample } from '../../../../src/main/engine/training/example.ts';
import { evaluateHeldOut } from '../../../../src/main/engine/training/held-out.ts';
import { sumTokens, type ObjectiveSettings } from '../../../../src/main/engine/training/objectives.ts';
import { createOptimizer } from '../../../../src/main/engine/training/optimizer.ts';
import { learningRateMultiplier } from '../../../../src/main/engine/training/schedule.ts';
import { applyStep, exampleGradient, GradientSum } from '../../../../src/main/engine/training/train-step.ts';
import { GOLDEN_CASES, readGoldenCase, type GoldenCase } from './golden-longpo.ts';
import { loadGoldenModel } from './golden-model.ts';

const LONGPO: ObjectiveSettings = { objective: 'longpo', beta: 0.1, lambda: 1, nllDocument: 1, nllAnswers: 0 };
const OBJECTIVES: Record<string, ObjectiveSettings> = {
  'longpo_b0.1_l0.01': { ...LONGPO, lambda: 0.01 },
  'longpo_b0.1_l1.0': LONGPO,
  'preference_b0.1': { ...LONGPO, nllDocument: 0 },
  'dpo_b0.1': { ...LONGPO, objective: 'dpo', nllDocument: 0 },
  sft: { ...LONGPO, objective: 'sft', nllDocument: 0, nllAnswers: 1 },
};

function near(actual: number | undefined, expected: number | undefined, tolerance: number, what: string): void {
  expect(Math.abs((actual ?? NaN) - (expected ?? NaN)), `${what}: ${actual} for ${expected}`).toBeLessThan(tolerance);
}

function relative(actual: number, expected: number | undefined, tolerance: number, what: string): void {
  near(actual / (expected ?? NaN), 1, tolerance, what);
}

const norm = (values: Float32Array): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

function difference(a: Float32Array, b: Float32Array): Float32Array {
  expect(a.length).toBe(b.length);
  return a.map((value, i) => value - (b[i] ?? NaN));
}

// The real model in ONNX Runtime with the real loop, against PyTorch (tolerances: golden README).
describe.each(GOLDEN_CASES)('golden %s through the model', (name) => {
  const golden: GoldenCase = readGoldenCase(name);
  const { inputs, expected, tensors } = golden;
  let runner: ResidentModel;
  let start: Float32Array;
  let policyRope: RopeFor;
  let referenceRope: RopeFor;
  let examples: ScoredExample[];

  beforeAll(async () => {
    const model = await loadGoldenModel(name);
    ({ runner, start, policyRope, referenceRope } = model);
    examples = await model.score(model.examples);
  });
  afterAll(() => runner.release());

  it('scores the reference on the short contexts and on the long input', () => {
    for (const { id, reference } of examples) {
      const values = expected.examples[id] ?? expect.fail();
      for (const side of ['chosen', 'rejected'] as const) {
        reference.short?.[side].forEach((turn, i) => {
          near(sumTokens(turn), values.reference_turn_logps[side][i], 1e-3, `${id} ${side} ${i}`);
        });
        const long = (reference.long ?? expect.fail())[side].reduce((sum, turn) => sum + sumTokens(turn), 0);
        near(long, values[`reference_long_${side}_logps`], 1e-3, `${id} long ${side}`);
      }
    }
  });

  it('measures losses, rewards and the exact KL of each example', async () => {
    for (const example of examples) {
      const values = expected.examples[example.id] ?? expect.fail();
      const options = { settings: LONGPO, parameters: start, policyRope, referenceRope };
      const measured = (await evaluateHeldOut(runner, [example], options)) ?? expect.fail();
      near(measured.eval_loss, values.losses['longpo_b0.1_l1.0'], 1e-4, 'loss');
      near(measured['eval_nll/document'], values.nll_full, 1e-5, 'nll');
      near(measured['eval_nll/answers'], values.nll_answer, 1e-5, 'answers');
      near(measured['eval_rewards/margins'], values['rewards_b0.1'].margin, 1e-4, 'margin');
      for (const side of ['chosen', 'rejected'] as const) {
        const tokens = values.kl[side].reduce((sum, turn) => sum + turn.tokens, 0);
        const exact = values.kl[side].reduce((sum, turn) => sum + turn.exact_kl_policy_reference_sum, 0);
        near((measured[`eval_kl/exact/${side}`] ?? NaN) * tokens, exact, 5e-4, `${side} exact KL`);
        const ratio = values.kl[side].reduce((sum, turn) => sum + turn.log_ratio_sum, 0);
        near((measured[`eval_kl/short_to_long/${side}`] ?? NaN) * tokens, ratio, 1e-3, `${side} log ratio`);
      }
    }
  });

  it.each(Object.entries(OBJECTIVES))('computes batch loss and gradients of %s', async (objective, settings) => {
    const sum = new GradientSum(start.length);
    for (const example of examples) {
      sum.add(await exampleGradient(runner, example, settings, start, policyRope), example, 1);
    }
    const { gradient, metrics } = sum.mean();
    near(metrics.loss, expected.batch[objective], 1e-4, 'loss');
    const gradients = expected.gradients[objective];
    if (gradients === undefined) return; // SFT has a loss only
    const zero = gradients.global_norm < 1e-9;
    if (!zero) relative(norm(gradient), gradients.global_norm, 1e-4, 'global norm');
    for (const [tensor, value] of Object.entries(gradients.norms)) {
      const found = tensorOf(runner.layout, gradient, tensor);
      // The largest deviation, measured against the whole gradient, for tensors whose gradient is nearly nothing.
      near(norm(found), value, Math.max(1e-4 * value, 1e-7 * gradients.global_norm), tensor);
      const complete = tensors.get(`grad.${objective}.${tensor}`);
      if (complete === undefined) continue;
      near(
        norm(difference(found, complete)),
        0,
        Math.max(1e-4 * value, 1e-6 * gradients.global_norm),
        `all of ${tensor}`,
      );
    }
  });

  it('trains as AdamW does', async () => {
    const { optimizer: given } = inputs;
    const parameters = start.slice();
    const [beta1, beta2] = given.betas;
    const optimizer = createOptimizer(
      { kind: 'adamw', beta1, beta2, eps: given.eps, weightDecay: given.weight_decay },
      parameters.length,
    );
    const schedule = { name: 'cosine', warmupSteps: given.warmup_steps, totalSteps: given.total_steps } as const;
    const sum = new GradientSum(parameters.length);
    const addAll = async (step: number): Promise<void> => {
      for (const example of examples) {
        sum.add(await exampleGradient(runner, example, LONGPO, parameters, policyRope), example, step);
      }
    };
    for (const step of expected.training.steps) {
      await addAll(step.step + 1);
      const rate = given.learning_rate * learningRateMultiplier(schedule, step.step);
      const { metrics } = applyStep(sum, parameters, optimizer, rate, given.max_grad_norm);
      near(metrics.learning_rate, step.learning_rate, 1e-12, 'learning rate');
      relative(metrics.loss ?? NaN, step.loss, 1e-4, `loss ${step.step}`);
      relative(metrics.grad_norm ?? NaN, step.grad_norm_before_clipping, 1e-4, `norm ${step.step}`);
    }
    await addAll(5);
    relative(sum.mean().metrics.loss ?? NaN, expected.training.loss_after, 1e-4, 'loss after');
    for (const [tensor, update] of Object.entries(expected.training.update_l2)) {
      const trained = tensorOf(runner.layout, parameters, tensor);
      const moved = norm(difference(trained, tensorOf(runner.layout, start, tensor)));
      relative(moved, update, 2e-3, `update of ${tensor}`);
      const wanted = tensors.get(`trained.${tensor}`) ?? expect.fail();
      const error = difference(trained, wanted);
      near(norm(error) / norm(wanted), 0, 1e-4, `relative error of ${tensor}`);
      near(Math.max(...error.map(Math.abs)), 0, 5e-4, `largest error of ${tensor}`);
    }
  });
});
