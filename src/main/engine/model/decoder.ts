import { checkpoint } from '../onnx/checkpoint.ts';
import type { Graph, Value } from '../onnx/graph.ts';
import * as o from '../onnx/ops.ts';
import type { ModelConfig } from './config.ts';
import type { ParameterValues } from './parameter-values.ts';
import { rotate } from './rotary.ts';
import type { RotaryValues } from './rotary.ts';

/** Attention over rotated queries [T, heads * headDim], keys and values [T, kvHeads * headDim] of one layer. */
export type Attend = (g: Graph, q: Value, k: Value, v: Value, layer: number) => Value;

export interface DecoderInput {
  readonly config: ModelConfig;
  readonly parameters: ParameterValues;
  readonly rotary: RotaryValues;
  readonly attend: Attend;
}

/** y = x W^T (+ bias) (+ scale * x A^T B^T), x [T, in] to [T, out]. */
function linear(g: Graph, x: Value, module: string, parameters: ParameterValues): Value {
  const bias = parameters.has(`${module}.bias`) ? parameters.get(`${module}.bias`) : undefined;
  const base = o.gemm(g, x, parameters.get(`${module}.weight`), bias, { transB: true });
  const lora = parameters.lora(module);
  if (lora === undefined) return base;
  const low = o.gemm(g, x, lora.a, undefined, { transB: true });
  return o.gemm(g, low, lora.b, base, { transB: true, alpha: lora.scale });
}

/** RMS normalisation of every head on its own (Qwen3), before the rotation. */
function headNorm(g: Graph, x: Value, heads: number, name: string, { config, parameters }: DecoderInput): Value {
  if (!config.qkNorm) return x;
  const perHead = o.reshape(g, x, [-1, heads, config.headDim]);
  return o.reshape(g, o.rmsNorm(g, perHead, parameters.get(name), config.rmsNormEps), [-1, heads * config.headDim]);
}

/** The input of a layer's attention: the normalised hidden states [T, hidden]. */
function attentionInput(g: Graph, x: Value, layer: number, { config, parameters }: DecoderInput): Value {
  return o.rmsNorm(g, x, parameters.get(`model.layers.${layer}.input_layernorm.weight`), config.rmsNormEps);
}

/** Rotated keys and values [T, kvHeads * headDim] from the normalised hidden states. */
function keysAndValues(g: Graph, h: Value, layer: number, input: DecoderInput): { k: Value; v: Value } {
  const { config, parameters, rotary } = input;
  const name = `model.layers.${layer}.self_attn`;
  const k = headNorm(g, linear(g, h, `${name}.k_proj`, parameters), config.numKvHeads, `${name}.k_norm.weight`, input);
  return { k: rotate(g, k, config.numKvHeads, rotary), v: linear(g, h, `${name}.v_proj`, parameters) };
}

/** Keys and values of a layer alone, from its input [T, hidden]: all that the last layer of a cached prefix is for. */
export function layerCache(g: Graph, x: Value, layer: number, input: DecoderInput): { k: Value; v: Value } {
  return g.scope(`layers.${layer}`, () => keysAndValues(g, attentionInput(g, x, layer, input), layer, input));
}

/** One decoder layer (Llama, Mistral, Qwen2, Qwen3), x [T, hidden] in and out. */
export function decoderLayer(g: Graph, x: Value, layer: number, input: DecoderInput): Value {
  const { config, parameters, rotary } = input;
  const name = (part: string): string => `model.layers.${layer}.${part}`;
  const project = (value: Value, part: string): Value => linear(g, value, name(part), parameters);
  return g.scope(`layers.${layer}`, () => {
    const h = attentionInput(g, x, layer, input);
    const q0 = headNorm(g, project(h, 'self_attn.q_proj'), config.numHeads, name('self_attn.q_norm.weight'), input);
    const { k, v } = keysAndValues(g, h, layer, input);
    const attended = input.attend(g, rotate(g, q0, config.numHeads, rotary), k, v, layer);
    const a = o.add(g, x, project(attended, 'self_attn.o_proj'));
    const m = o.rmsNorm(g, a, parameters.get(name('post_attention_layernorm.weight')), config.rmsNormEps);
    const gated = o.mul(g, o.silu(g, project(m, 'mlp.gate_proj')), project(m, 'mlp.up_proj'));
    return o.add(g, a, project(gated, 'mlp.down_proj'));
  });
}

/** Token embeddings [T, hidden] of ids [T]. */
export function embed(g: Graph, ids: Value, parameters: ParameterValues): Value {
  return o.gather(g, parameters.get('model.embed_tokens.weight'), ids);
}

/** The norm before the output embedding. */
export function finalNorm(g: Graph, x: Value, { config, parameters }: DecoderInput): Value {
  return o.rmsNorm(g, x, parameters.get('model.norm.weight'), config.rmsNormEps);
}

/** The output embedding's name: its own tensor, or the input embedding where they are tied. */
export function headName(config: ModelConfig): string {
  return config.tieWordEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight';
}

/** What the backward pass keeps: everything, or each layer's input only (the layer is computed again). */
export type Checkpointing = 'none' | 'layer';

/** Final hidden states [T, hidden], normalised, of ids [T]. */
export function decoder(g: Graph, ids: Value, input: DecoderInput, checkpointing: Checkpointing = 'none'): Value {
  let x = embed(g, ids, input.parameters);
  for (let layer = 0; layer < input.config.numLayers; layer++) {
    x =
      checkpointing === 'none'
        ? decoderLayer(g, x, layer, input)
        : checkpoint(
            g,
            (graph, [hidden = x]) => decoderLayer(graph, hidden, layer, input),
            [x],
            input.parameters.ofLayer(layer),
          );
  }
  return finalNorm(g, x, input);
}
