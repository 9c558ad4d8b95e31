import type { GradientOutput, ModelRunner, ModelState, Targets, TreeTokens } from '../model/runner.ts';

/**
 * Gradient of sum_m(slopes[m] * log p[m]) over one row, for objectives that couple several rows: by the chain rule their
 * gradient is the sum over the rows, with d loss / d log p [M] as slopes. `loss` is that sum.
 */
export function linearGradient(
  runner: ModelRunner,
  tokens: TreeTokens,
  targets: Targets,
  slopes: Float64Array,
  state: ModelState,
): Promise<GradientOutput> {
  const none = new Float32Array(slopes.length);
  const objective = {
    nllWeight: Float32Array.from(slopes, (slope) => -slope),
    ...{ chosenMask: none, rejectedMask: none, referenceChosen: 0, referenceRejected: 0 },
    ...{ beta: 0, lambda: 0, odds: false },
  };
  return runner.gradients(tokens, targets, objective, state);
}
