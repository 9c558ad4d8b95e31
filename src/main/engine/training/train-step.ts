import { UserError } from '../../../shared/errors.ts';
import type { RunConfig } from '../../../shared/run-config.ts';
import type { ModelRunner } from '../model/runner.ts';
import { positionsOf, preferenceReference, type RopeFor, type ScoredExample } from './example.ts';
import type { ExampleResult } from './example-result.ts';
import { logpMetrics, meanMetrics, type MetricValues } from './example-metrics.ts';
import { opsdlGradient } from './opsdl.ts';
import { pairLogps } from './pair-logps.ts';
import {
  answerLogps,
  buildTargets,
  chosenOnly,
  objectiveInput,
  readsRejected,
  type ObjectiveSettings,
} from './objectives.ts';
import { soloGradient } from './solopo.ts';
import { addInPlace, clipGradient, scaleInPlace, type Optimizer } from './optimizer.ts';

/**
 * Loss and gradient of one example. Without a preference term the chosen branch alone is read.
 * @param step of the run, from 1; read by objectives that sample
 */
export async function exampleGradient(
  runner: ModelRunner,
  example: ScoredExample,
  settings: ObjectiveSettings,
  parameters: Float32Array,
  ropeFor: RopeFor,
  step = 1,
): Promise<ExampleResult> {
  if (settings.objective === 'solopo') return soloGradient(runner, example, settings, parameters, ropeFor);
  if (settings.objective === 'opsdl') return opsdlGradient(runner, example, settings, parameters, ropeFor, step);
  const tree = readsRejected(settings) ? example.tree : chosenOnly(example.tree);
  const targets = buildTargets(tree, settings);
  const input = objectiveInput(targets, settings, preferenceReference(settings.objective, example.reference));
  const state = { parameters, rope: ropeFor(positionsOf(tree)) };
  const { loss, nll, preference, logps, gradient } = await runner.gradients(tree.tokens, targets.targets, input, state);
  return {
    loss,
    metrics: {
      loss,
      nll,
      ...(input.lambda === 0 ? {} : { preference_loss: preference }),
      ...logpMetrics(logps, targets, settings, example.reference),
    },
    pairs: pairLogps(example, answerLogps(logps, targets), settings.objective),
    tokens: tree.tokens.ids.length,
    gradient,
  };
}

/** Sums the gradients of a step's examples, in the order they are added, in float32. */
export class GradientSum {
  readonly #sum: Float32Array;
  readonly #metrics: MetricValues[] = [];
  #tokens = 0;

  /** @param size number of parameters; the vector is reused for every step */
  constructor(size: number) {
    this.#sum = new Float32Array(size);
  }

  /**
   * Adds an example of step `step` (from 1).
   * @throws UserError invalid_input when loss or gradient is not finite, naming step, example and document
   */
  add({ loss, metrics, tokens, gradient }: ExampleResult, example: ScoredExample, step: number): void {
    const where = `in step ${step} on example ${example.id} of "${example.document.name}"`;
    if (!Number.isFinite(loss)) throw diverged(`the loss is ${loss} ${where}`);
    if (!addInPlace(this.#sum, gradient)) throw diverged(`the gradient is not finite ${where}`);
    this.#metrics.push(metrics);
    this.#tokens += tokens;
  }

  /** The means over the examples added. The gradient is this object's own vector, valid until `clear`. */
  mean(): { readonly gradient: Float32Array; readonly metrics: MetricValues; readonly tokens: number } {
    scaleInPlace(this.#sum, 1 / this.#metrics.length);
    return { gradient: this.#sum, metrics: meanMetrics(this.#metrics), tokens: this.#tokens };
  }

  clear(): void {
    this.#sum.fill(0);
    this.#metrics.length = 0;
    this.#tokens = 0;
  }
}

/**
 * One optimizer step in place: mean gradient, clipping, update; empties `sum`. Returns the metrics of the step, which
 * is `optimizer.step` afterwards.
 * @throws UserError invalid_input when the sum of the gradients overflowed; nothing is changed then
 */
export function applyStep(
  sum: GradientSum,
  parameters: Float32Array,
  optimizer: Optimizer,
  learningRate: number,
  maxGradNorm: RunConfig['maxGradNorm'],
): { readonly metrics: MetricValues; readonly tokens: number } {
  const { gradient, metrics, tokens } = sum.mean();
  const norm = clipGradient(gradient, maxGradNorm ?? Infinity);
  if (!Number.isFinite(norm)) throw diverged(`the gradient overflowed in step ${optimizer.step + 1}`);
  optimizer.update(parameters, gradient, learningRate);
  sum.clear();
  return { metrics: { ...metrics, grad_norm: norm, learning_rate: learningRate }, tokens };
}

function diverged(problem: string): UserError {
  return new UserError('invalid_input', `Training stopped: ${problem}.`, {
    hint: 'Start a new run with a lower learning rate, or check this document and its answers.',
  });
}
