import type { Graph, Value } from '../onnx/graph.ts';
import * as o from '../onnx/ops.ts';
import { embed, headNorm, linear } from './decoder.ts';
import type { Attend } from './decoder.ts';
import type { ParameterValues } from './parameter-values.ts';
import type { ModelConfig } from './config.ts';

export interface TokenDecoderInput {
  readonly config: ModelConfig;
  readonly parameters: ParameterValues;
  /** Gets queries and keys that are not rotated yet. */
  readonly attend: Attend;
}

/**
 * Final hidden states [B, hidden], normalised, of one new token a sequence [B]: what `decoder` computes, in as few operators
 * as there are, because with so few rows each costs more for its start than for its work.
 */
export function tokenDecoder(g: Graph, ids: Value, input: TokenDecoderInput): Value {
  const { config, parameters } = input;
  const norm = (name: string): Value => parameters.get(`model.${name}.weight`);
  let sum = embed(g, ids, parameters);
  let h = o.rmsNorm(g, sum, norm('layers.0.input_layernorm'), config.rmsNormEps);
  for (let layer = 0; layer < config.numLayers; layer++) {
    const last = layer + 1 === config.numLayers;
    const after = norm(last ? 'norm' : `layers.${layer + 1}.input_layernorm`);
    g.scope(`layers.${layer}`, () => {
      const attended = attention(g, h, layer, input);
      const middle = norm(`layers.${layer}.post_attention_layernorm`);
      const half = o.addAndNorm(g, sum, attended, middle, config.rmsNormEps);
      const whole = o.addAndNorm(g, half.sum, mlp(g, half.norm, layer, parameters), after, config.rmsNormEps);
      [sum, h] = [whole.sum, whole.norm];
    });
  }
  return h;
}

function attention(g: Graph, h: Value, layer: number, { config, parameters, attend }: TokenDecoderInput): Value {
  const name = `model.layers.${layer}.self_attn`;
  const project = (x: Value, kind: string): Value => linear(g, x, `${name}.${kind}_proj`, parameters);
  const q = headNorm(g, project(h, 'q'), config.numHeads, `${name}.q_norm.weight`, { config, parameters });
  const k = headNorm(g, project(h, 'k'), config.numKvHeads, `${name}.k_norm.weight`, { config, parameters });
  return project(attend(g, q, k, project(h, 'v'), layer), 'o');
}

function mlp(g: Graph, m: Value, layer: number, parameters: ParameterValues): Value {
  const project = (x: Value, kind: string): Value => linear(g, x, `model.layers.${layer}.mlp.${kind}_proj`, parameters);
  return project(o.mul(g, o.silu(g, project(m, 'gate')), project(m, 'up')), 'down');
}
