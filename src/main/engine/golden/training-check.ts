import { UserError } from '../../../shared/errors.ts';
import type { ParameterLayout } from '../model/parameters.ts';
import { tensorOf } from '../model/parameters.ts';
import type { ScoredExample } from '../training/example.ts';
import { buildTargets, objectiveInput, objectiveValue, type ObjectiveSettings } from '../training/objectives.ts';
import {
  ADAMW_DEFAULTS,
  RMSPROP_DEFAULTS,
  createOptimizer,
  l2Norm,
  type OptimizerSettings,
} from '../training/optimizer.ts';
import { learningRateMultiplier, type Schedule } from '../training/schedule.ts';
import { GradientSum, applyStep, exampleGradient } from '../training/train-step.ts';
import { preferenceReference } from '../training/example.ts';
import { leaf, type OurTensor, type Tree } from './comparison.ts';
import type { GoldenOptimizer } from './longpo-inputs.ts';
import { stateFor, type PolicyAndReference } from './policy.ts';

/** The learning rates of the case's optimizer steps. */
export function learningRates(optimizer: GoldenOptimizer): number[] {
  const schedule = scheduleOf(optimizer);
  return Array.from(
    { length: optimizer.steps },
    (_, s) => optimizer.learning_rate * learningRateMultiplier(schedule, s),
  );
}

/**
 * Trains with the run's own gradient, clipping, optimizer and schedule code, every step over all examples.
 * Returns `training` of expected.json without its objective, and the `trained.*` tensors.
 */
export async function train(
  model: PolicyAndReference,
  examples: readonly ScoredExample[],
  settings: ObjectiveSettings,
  optimizerInputs: GoldenOptimizer,
): Promise<{ tree: Record<string, Tree>; tensors: OurTensor[] }> {
  const { runner, policy } = model;
  const { layout } = runner;
  const parameters = policy.parameters.slice();
  const optimizer = createOptimizer(optimizerSettings(optimizerInputs), layout.total);
  const sum = new GradientSum(layout.total);
  const steps: Tree[] = [];
  for (const [step, learningRate] of learningRates(optimizerInputs).entries()) {
    for (const example of examples) {
      sum.add(await exampleGradient(runner, example, settings, parameters, policy.ropeFor), example, step + 1);
    }
    const { metrics } = applyStep(sum, parameters, optimizer, learningRate, optimizerInputs.max_grad_norm || null);
    steps.push({
      step: leaf('exact', step),
      learning_rate: leaf('learningRate', learningRate),
      loss: leaf('training', metrics.loss ?? NaN),
      grad_norm_before_clipping: leaf('training', metrics.grad_norm ?? NaN),
    });
  }
  const trained: PolicyAndReference = { ...model, policy: { ...policy, parameters } };
  let after = 0;
  for (const example of examples) after += (await scoredLoss(trained, example, settings)) / examples.length;
  return {
    tree: { steps, loss_after: leaf('training', after), update_l2: updateTree(layout, policy.parameters, parameters) },
    tensors: layout.tensors.map(({ name, shape }) => ({
      name: `trained.${name}`,
      group: 'trained',
      kind: 'trained',
      data: tensorOf(layout, parameters, name),
      shape,
    })),
  };
}

/** The objective from scores alone, as held-out evaluation computes it. */
async function scoredLoss(
  model: PolicyAndReference,
  { tree, reference }: ScoredExample,
  settings: ObjectiveSettings,
): Promise<number> {
  const targets = buildTargets(tree, settings);
  const logps = await model.runner.score(tree.tokens, targets.targets, stateFor(model.policy, tree.tokens));
  return objectiveValue(logps, objectiveInput(targets, settings, preferenceReference(settings.objective, reference)))
    .loss;
}

function updateTree(layout: ParameterLayout, before: Float32Array, after: Float32Array): Tree {
  return Object.fromEntries(
    layout.tensors.map(({ name }) => {
      const old = tensorOf(layout, before, name);
      return [name, leaf('update', l2Norm(tensorOf(layout, after, name).map((value, i) => value - (old[i] ?? 0))))];
    }),
  );
}

function optimizerSettings(inputs: GoldenOptimizer): OptimizerSettings {
  const { name, betas, alpha, eps, weight_decay: weightDecay } = inputs;
  switch (name.toLowerCase()) {
    case 'adamw': {
      const { beta1, beta2 } = ADAMW_DEFAULTS;
      return {
        kind: 'adamw',
        beta1: betas?.[0] ?? beta1,
        beta2: betas?.[1] ?? beta2,
        eps: eps ?? ADAMW_DEFAULTS.eps,
        weightDecay,
      };
    }
    case 'rmsprop':
      return { kind: 'rmsprop', alpha: alpha ?? RMSPROP_DEFAULTS.alpha, eps: eps ?? RMSPROP_DEFAULTS.eps, weightDecay };
    default:
      throw unknown('name', name);
  }
}

function scheduleOf({ schedule, steps, ...inputs }: GoldenOptimizer): Schedule {
  const name = (['cosine', 'linear', 'constant'] as const).find((known) => schedule.startsWith(known));
  if (name === undefined) throw unknown('schedule', schedule);
  return { name, warmupSteps: inputs.warmup_steps, totalSteps: inputs.total_steps ?? steps };
}

function unknown(field: string, value: string): UserError {
  return new UserError('unsupported', `inputs.json: "optimizer.${field}" is ${value}, which is not known here.`, {
    hint: 'AdamW and RMSprop, and cosine, linear and constant schedules with warm-up are.',
    place: { field: `optimizer.${field}` },
  });
}
