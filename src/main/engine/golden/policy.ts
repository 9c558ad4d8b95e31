import type { ModelRunner, ModelState, TreeTokens } from '../model/runner.ts';
import type { RopeFor } from '../training/example.ts';

/** The policy and the reference over one resident model. */
export interface PolicyAndReference {
  readonly runner: ModelRunner;
  readonly policy: { readonly parameters: Float32Array; readonly ropeFor: RopeFor };
  readonly reference: { readonly parameters: Float32Array; readonly ropeFor: RopeFor };
}

/** The state of one of the two for a row. */
export function stateFor(model: PolicyAndReference['policy'], tokens: TreeTokens): ModelState {
  const { prefix, first, second } = tokens;
  return { parameters: model.parameters, rope: model.ropeFor(prefix + Math.max(first, second)) };
}
