import { checkpoint } from '../onnx/checkpoint.ts';
import type { Graph, Value } from '../onnx/graph.ts';
import * as o from '../onnx/ops.ts';
import { rowScan } from '../onnx/row-scan.ts';
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
  /** For long rows on CUDA; left out, everything is kept as it comes. */
  readonly memory?: MemoryOrder;
}

/** What bounds the memory of long rows: the MLP by chunks of rows, and long-lived tensors made before all others. */
export interface MemoryOrder {
  /** Its first dimension is the rows of the MLP at a time, see RowScanInput. */
  readonly mlpChunk: Value;
  /** Values of the program that live to its end. */
  readonly first: readonly Value[];
}

/** y = x W^T (+ bias) (+ scale * x A^T B^T), x [T, in] to [T, out]. */
export function linear(g: Graph, x: Value, module: string, parameters: ParameterValues): Value {
  const bias = parameters.has(`${module}.bias`) ? parameters.get(`${module}.bias`) : undefined;
  const weight = `${module}.weight`;
  const base = parameters.isPacked(weight)
    ? packedLinear(g, x, weight, parameters, bias)
    : o.gemm(g, x, parameters.get(weight), bias, { transB: true });
  const lora = parameters.lora(module);
  if (lora === undefined) return base;
  const low = o.gemm(g, x, lora.a, undefined, { transB: true });
  return o.gemm(g, low, lora.b, base, { transB: true, alpha: lora.scale });
}

/** x W^T with a frozen W in 4 bits, unpacked for this product and again for its gradient dx = dy W. */
function packedLinear(g: Graph, x: Value, weight: string, parameters: ParameterValues, bias: Value | undefined): Value {
  const [y] = g.composite(
    [x],
    (graph) => [o.gemm(graph, x, parameters.unpack(graph, weight, x), bias, { transB: true })],
    (graph, { gradients: [dy] }) =>
      dy === undefined ? [] : [o.gemm(graph, dy, parameters.unpack(graph, weight, dy), undefined)],
  );
  if (y === undefined) throw new Error('one output');
  return y;
}

/** RMS normalisation of every head on its own (Qwen3), before the rotation. */
export function headNorm(
  g: Graph,
  x: Value,
  heads: number,
  name: string,
  { config, parameters }: Pick<DecoderInput, 'config' | 'parameters'>,
): Value {
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
    const mlp = (graph: Graph, rows: Value, own: ParameterValues): Value => {
      const m = o.rmsNorm(graph, rows, own.get(name('post_attention_layernorm.weight')), config.rmsNormEps);
      const part = (value: Value, kind: string): Value => linear(graph, value, name(`mlp.${kind}`), own);
      const gated = o.mul(graph, o.silu(graph, part(m, 'gate_proj')), part(m, 'up_proj'));
      return o.add(graph, rows, part(gated, 'down_proj'));
    };
    if (input.memory === undefined) return mlp(g, a, parameters);
    const names = ['gate_proj', 'up_proj', 'down_proj'].map((kind) => name(`mlp.${kind}.weight`));
    return rowScan(g, {
      x: a,
      chunk: input.memory.mlpChunk,
      shared: parameters.ofLayer(layer),
      outside: (graph, ready) => parameters.unpacked(graph, names, ready),
      build: mlp,
    });
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

/** Consecutive layers: the first, and the one after the last. */
export interface LayerRange {
  readonly from: number;
  readonly to: number;
}

/** What the backward pass keeps: everything, or each layer's input only (the layer is computed again). */
export type Checkpointing = 'none' | 'layer';

/**
 * Buffers for the layer inputs, which a checkpointed backward pass keeps. Made before everything else and written into in
 * place, they leave the rest of the memory in one piece.
 */
interface Kept {
  readonly early: readonly Value[];
  readonly inputOf: (x: Value, layer: number) => Value;
}

function keptBuffers(g: Graph, x: Value, layers: readonly number[], { config }: DecoderInput): Kept {
  const named = (...values: Value[]): void => {
    g.sameShapes(['T', config.hiddenSize], ...values);
  };
  const inputs = new Map(layers.map((layer) => [layer, o.full(g, x.dtype, o.shapeOf(g, x))]));
  named(...inputs.values());
  return {
    early: [...inputs.values()],
    inputOf: (value, layer) => {
      const buffer = inputs.get(layer);
      if (buffer === undefined) throw new Error(`no buffer for layer ${layer}`);
      const kept = o.add(g, buffer, value);
      named(value, kept);
      return kept;
    },
  };
}

/** Layers `from` to `to` (not included) of a decoder, x [T, hidden] in and out. */
export function decoderLayers(
  g: Graph,
  rows: Value,
  { from, to }: LayerRange,
  input: DecoderInput,
  checkpointing: Checkpointing,
): Value {
  const layers = Array.from({ length: to - from }, (_, i) => from + i);
  let x = rows;
  const kept = input.memory !== undefined && checkpointing === 'layer' ? keptBuffers(g, x, layers, input) : undefined;
  const first = [...(input.memory?.first ?? []), ...(kept?.early ?? [])];
  if (first.length > 0) x = o.after(g, x, ...first);
  for (const layer of layers) {
    if (kept !== undefined) x = kept.inputOf(x, layer);
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
  return x;
}

/** Final hidden states [T, hidden], normalised, of ids [T]. */
export function decoder(g: Graph, ids: Value, input: DecoderInput, checkpointing: Checkpointing = 'none'): Value {
  const all = { from: 0, to: input.config.numLayers };
  return finalNorm(g, decoderLayers(g, embed(g, ids, input.parameters), all, input, checkpointing), input);
}
