import path from 'node:path';
import type { Graph, Value } from '../onnx/graph.ts';
import * as o from '../onnx/ops.ts';
import type { ParameterLayout, ParameterTensor } from './parameters.ts';
import { loraTensorName } from './parameters.ts';
import type { ModelWeights, WeightTensor } from './weights.ts';
import type { ComputeType, ConvertedWeights } from './converted-weights.ts';
import { INT4_BLOCK } from './int4.ts';
import type { Int4Weights } from './int4-weights.ts';

/** A module's low-rank addition: scale * B A x. */
export interface LoraValues {
  readonly a: Value;
  readonly b: Value;
  readonly scale: number;
}

/** A frozen weight [out, in] in 4 bits. */
interface PackedValue {
  /** uint8 [out, in / 2], and bfloat16 [out, in / 32]. */
  readonly packed: Value;
  readonly scales: Value;
  /** 0, 1, ... out - 1. */
  readonly rows: Value;
}

/** Every weight of the model as a value of the root graph, with the trainable ones cut out of one flat vector. */
export class ParameterValues {
  readonly layout: ParameterLayout;
  private readonly weights: ReadonlyMap<string, Value>;
  /** Trainable values in layout order. */
  private readonly trainable: ReadonlyMap<string, Value>;
  private readonly packed: ReadonlyMap<string, PackedValue>;
  private readonly dtype: ComputeType;

  constructor(
    layout: ParameterLayout,
    weights: ReadonlyMap<string, Value>,
    trainable: ReadonlyMap<string, Value>,
    dtype: ComputeType = 'float32',
    packed: ReadonlyMap<string, PackedValue> = new Map(),
  ) {
    this.layout = layout;
    this.weights = weights;
    this.trainable = trainable;
    this.dtype = dtype;
    this.packed = packed;
  }

  /** True for a weight that is there in 4 bits only. */
  isPacked(name: string): boolean {
    return this.packed.has(name);
  }

  /**
   * A weight [out, in] from its 4 bits, made when `ready` is there: nothing else keeps the runtime from unpacking all
   * weights at the beginning.
   */
  unpack(g: Graph, name: string, ready: Value): Value {
    const found = this.packed.get(name);
    if (found === undefined) throw new Error(`no 4-bit weight named ${name}`);
    const { packed, rows, scales } = found;
    // CUDA unpacks in the scales' type; the CPU has no kernel for bfloat16.
    const own = scales.dtype === this.dtype ? scales : o.cast(g, o.after(g, scales, ready), this.dtype);
    return o.dequantizeInt4(g, packed, o.after(g, rows, ready), own, INT4_BLOCK);
  }

  /** The same parameters, with those of the named weights that are in 4 bits unpacked when `ready` is there. */
  unpacked(g: Graph, names: readonly string[], ready: Value): ParameterValues {
    const own = names.filter((name) => this.packed.has(name));
    if (own.length === 0) return this;
    const weights = new Map([...this.weights, ...own.map((name) => [name, this.unpack(g, name, ready)] as const)]);
    const packed = new Map([...this.packed].filter(([name]) => !own.includes(name)));
    return new ParameterValues(this.layout, weights, this.trainable, this.dtype, packed);
  }

  /** The same parameters with each adapter added to a copy of its weight; 4-bit weights keep theirs apart. */
  merged(g: Graph): ParameterValues {
    const weights = new Map(this.weights);
    const trainable = new Map(this.trainable);
    for (const name of this.weights.keys()) {
      const module = name.replace(/\.weight$/, '');
      const lora = this.lora(module);
      if (lora === undefined || this.packed.has(name)) continue;
      weights.set(name, o.gemm(g, lora.b, lora.a, this.get(name), { alpha: lora.scale }));
      for (const side of ['A', 'B'] as const) trainable.delete(loraTensorName(module, side));
    }
    return new ParameterValues(this.layout, weights, trainable, this.dtype, this.packed);
  }

  /** A weight by its Hugging Face name. */
  get(name: string): Value {
    const value = this.trainable.get(name) ?? this.weights.get(name);
    if (value === undefined) throw new Error(`no weight named ${name}`);
    return value;
  }

  has(name: string): boolean {
    return this.trainable.has(name) || this.weights.has(name);
  }

  /** The adapter of a linear module ('model.layers.0.self_attn.q_proj'), if it has one. */
  lora(module: string): LoraValues | undefined {
    const a = this.trainable.get(loraTensorName(module, 'A'));
    const b = this.trainable.get(loraTensorName(module, 'B'));
    const scale = this.layout.lora?.scale;
    return a === undefined || b === undefined || scale === undefined ? undefined : { a, b, scale };
  }

  isTrainable(name: string): boolean {
    return this.trainable.has(name);
  }

  /** All trainable values, in layout order. */
  get all(): readonly Value[] {
    return [...this.trainable.values()];
  }

  /** The trainable values of one layer. */
  ofLayer(layer: number): readonly Value[] {
    return [...this.trainable].filter(([name]) => name.includes(`model.layers.${layer}.`)).map(([, value]) => value);
  }
}

/** Deepest folder that contains all files: external data may not leave the folder given to the session. */
export function commonFolder(files: readonly string[]): string {
  const parts = files.map((file) => path.dirname(file).split(path.sep));
  const [first = []] = parts;
  let length = 0;
  while (length < first.length && parts.every((other) => other[length] === first[length])) length += 1;
  return first.slice(0, length).join(path.sep) || path.sep;
}

/** Where a frozen weight's bytes are read from, as external data relative to the session's folder. */
export interface FrozenSource {
  readonly weights: ModelWeights;
  readonly folder: string;
  /** Weights converted in memory; left out, weights are used in the file's own type. */
  readonly converted?: ConvertedWeights;
  /** Weights to use in 4 bits. */
  readonly int4?: Int4Weights;
}

/** Weights read in place from their safetensors files, or from memory where they were converted. */
function frozen(g: Graph, { weights, folder, converted }: FrozenSource, names: readonly string[]): Map<string, Value> {
  const found = new Map<string, Value>();
  for (const name of names) {
    const tensor = weights.tensors.get(name);
    if (tensor === undefined) throw new Error(`no weight named ${name}`);
    const place = converted?.places.get(name);
    found.set(
      name,
      converted === undefined || place === undefined
        ? inPlace(g, name, tensor, folder)
        : g.external(name, converted.dtype, tensor.shape, { path: converted.path, ...place }),
    );
  }
  return found;
}

/** 4-bit weights and their scales, read in place. */
function packedValues(g: Graph, { folder, int4 }: FrozenSource): Map<string, PackedValue> {
  const found = new Map<string, PackedValue>();
  const rows = new Map<number, Value>();
  for (const [name, weight] of int4 ?? []) {
    const { outFeatures: out, inFeatures } = weight;
    const file = path.relative(folder, weight.path);
    const numbers =
      rows.get(out) ??
      g.constant(
        'int32',
        Array.from({ length: out }, (_, i) => i),
      );
    rows.set(out, numbers);
    const bytes = { path: file, ...weight.packed };
    const scales = { path: file, ...weight.scales };
    found.set(name, {
      packed: g.external(`${name}.packed`, 'uint8', [out, inFeatures / 2], bytes),
      scales: g.external(`${name}.scales`, 'bfloat16', [out, inFeatures / INT4_BLOCK], scales),
      rows: numbers,
    });
  }
  return found;
}

const DTYPES = { F32: 'float32', F16: 'float16', BF16: 'bfloat16', F64: 'float64' } as const;

function inPlace(g: Graph, name: string, tensor: WeightTensor, folder: string): Value {
  const { path: file, offset, length, shape } = tensor;
  return g.external(name, DTYPES[tensor.dtype], shape, { path: path.relative(folder, file), offset, length });
}

/**
 * The largest number that divides all sizes. The vector is split and joined in rows of so many elements: CUDA's Split and
 * Concat make a table on the CPU with an entry for each index along the axis, which for 42 million took 0.3 s.
 */
function commonUnit(tensors: readonly ParameterTensor[]): number {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
  return tensors.map(({ size }) => size).reduce(divisor, 0) || 1;
}

/** Cuts the flat vector [P] into its tensors, of the type that the graph computes in. */
function cut(g: Graph, layout: ParameterLayout, vector: Value, dtype: ComputeType): Map<string, Value> {
  const unit = commonUnit(layout.tensors);
  const sizes = layout.tensors.map((tensor) => tensor.size / unit);
  const pieces = o.split(g, o.cast(g, o.reshape(g, vector, [-1, unit]), dtype), g.constant('int64', sizes), 0);
  return new Map(
    layout.tensors.map(({ name, shape }, i) => {
      const piece = pieces[i];
      if (piece === undefined) throw new Error('a piece for each tensor');
      return [name, o.reshape(g, piece, shape)];
    }),
  );
}

/** Names of the weights that are not part of the trainable vector. */
export function frozenNames(layout: ParameterLayout, weights: ModelWeights): string[] {
  const trainable = new Set(layout.tensors.map((tensor) => tensor.name));
  return [...weights.tensors.keys()].filter((name) => !trainable.has(name));
}

/** All weights for a root graph; `vector` is the trainable vector [P], float32. */
export function parameterValues(
  g: Graph,
  layout: ParameterLayout,
  vector: Value,
  source: FrozenSource,
  dtype: ComputeType = 'float32',
): ParameterValues {
  const names = frozenNames(layout, source.weights).filter((name) => !source.int4?.has(name));
  const weights = frozen(g, source, names);
  return new ParameterValues(layout, weights, cut(g, layout, vector, dtype), dtype, packedValues(g, source));
}

/** The gradients of trainable values as one float32 vector; values that nothing depends on count as zero. */
export function flatten(
  g: Graph,
  tensors: readonly ParameterTensor[],
  gradients: readonly (Value | undefined)[],
): Value {
  const unit = commonUnit(tensors);
  const dtype = gradients.find((gradient) => gradient !== undefined)?.dtype ?? 'float32';
  const rows = tensors.map(({ size }, i) => {
    const gradient = gradients[i];
    return gradient === undefined ? o.full(g, dtype, [size / unit, unit]) : o.reshape(g, gradient, [-1, unit]);
  });
  const length = tensors.reduce((sum, { size }) => sum + size, 0);
  return o.reshape(g, o.cast(g, o.concat(g, rows, 0), 'float32'), [length]);
}
