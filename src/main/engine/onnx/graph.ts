import type { Dim } from './dim.ts';
import type { DType } from './dtype.ts';
import { inferOutputs } from './infer.ts';
import { GraphError } from './graph-error.ts';

/** Attribute values of a node; a Graph is a subgraph (Loop body, If branch), a ConstantTensor a tensor attribute. */
export type Attribute =
  number | string | boolean | readonly number[] | Graph | ConstantTensor | { readonly float: number };

/** A small constant kept inside the model file. */
export interface ConstantTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: readonly number[] | Float32Array | Float64Array | Int32Array;
}

/** Where an initializer's bytes are: a range of a file, relative to the session's weight folder. */
export interface ExternalData {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
}

/** Dtype and shape of a value; `content` holds the elements of small integer vectors that are known symbolically. */
export interface ValueType {
  readonly dtype: DType;
  readonly shape: readonly Dim[];
  readonly content?: readonly Dim[] | undefined;
}

/** One tensor of a graph. */
export class Value implements ValueType {
  readonly graph: Graph;
  /** Unique in the model. Changed by `Graph.output` alone, which gives a value the name that callers know it by. */
  name: string;
  readonly dtype: DType;
  readonly shape: readonly Dim[];
  readonly content: readonly Dim[] | undefined;

  constructor(graph: Graph, name: string, type: ValueType) {
    this.graph = graph;
    this.name = name;
    this.dtype = type.dtype;
    this.shape = type.shape;
    this.content = type.content;
  }

  get rank(): number {
    return this.shape.length;
  }
}

/** One operator call. Missing optional inputs are undefined. */
export interface Node {
  readonly name: string;
  readonly opType: string;
  readonly domain: string;
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly Value[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** What reverse mode walks over: a node with a rule in the table, or a composite that brings its own rule. */
export interface TapeEntry {
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly Value[];
  readonly node?: Node;
  readonly backward?: (graph: Graph, context: BackwardContext) => readonly (Value | undefined)[];
}

/** What a backward rule gets: gradients of the outputs (undefined = zero) and which inputs want one. */
export interface BackwardContext {
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly Value[];
  readonly gradients: readonly (Value | undefined)[];
  readonly wants: readonly boolean[];
}

export interface Initializer {
  readonly value: Value;
  readonly data: ConstantTensor | ExternalData;
}

export interface NodeOptions {
  readonly domain?: string;
  readonly outputs?: number;
}

/** com.microsoft operators that Longhand uses; everything else is in the default domain. */
const CONTRIB = new Set([
  'FusedMatMul',
  'QuickGelu',
  'RotaryEmbedding',
  'GroupQueryAttention',
  'PagedAttention',
  'SkipSimplifiedLayerNormalization',
  'GatherBlockQuantized',
]);
export const CONTRIB_DOMAIN = 'com.microsoft';

/** Operators of which a graph has each only once where they compute with shapes: see `Graph.ops`. */
const ARITHMETIC = new Set(['Shape', 'Concat', 'Add', 'Sub', 'Mul', 'Div', 'Squeeze', 'Unsqueeze']);

/**
 * A graph under construction. Operators are appended with `op`; their outputs' types follow at once, so a mismatch
 * is reported at the line of model code that caused it. A subgraph may use every value of its ancestors.
 */
export class Graph {
  readonly parent: Graph | undefined;
  readonly label: string;
  readonly inputs: Value[] = [];
  readonly outputs: { readonly name: string; readonly value: Value }[] = [];
  readonly initializers: Initializer[] = [];
  readonly nodes: Node[] = [];
  /** Shapes by name that are written into the model, see `sameShapes`. */
  readonly annotations = new Map<Value, readonly Dim[]>();
  private tape: TapeEntry[] | undefined;
  /** Shared by a graph and its subgraphs: ONNX has one name space for them. */
  private readonly names: { next: number; readonly taken: Set<string> };
  private readonly constants = new Map<string, Value>();
  private readonly arithmetic = new Map<string, readonly Value[]>();
  private scopeName: string;

  constructor(label: string, parent?: Graph) {
    this.label = label;
    this.parent = parent;
    this.names = parent?.names ?? { next: 0, taken: new Set() };
    this.scopeName = parent === undefined ? '' : parent.scopeName;
  }

  /** A name that is unique in the whole model. */
  private fresh(stem: string): string {
    this.names.next += 1;
    return this.claim(`${stem}_${this.names.next}`);
  }

  private claim(name: string): string {
    if (this.names.taken.has(name)) throw new GraphError(`the name "${name}" is taken in the model of "${this.label}"`);
    this.names.taken.add(name);
    return name;
  }

  /** Declares a graph input. `name` must be unique in the model. */
  input(name: string, dtype: DType, shape: readonly Dim[]): Value {
    return this.addInput(this.claim(name), dtype, shape);
  }

  /** Declares an input whose name does not matter (Loop bodies). */
  anonymousInput(stem: string, dtype: DType, shape: readonly Dim[]): Value {
    return this.addInput(this.fresh(stem), dtype, shape);
  }

  private addInput(name: string, dtype: DType, shape: readonly Dim[]): Value {
    const value = new Value(this, name, { dtype, shape });
    this.inputs.push(value);
    return value;
  }

  /**
   * Marks a value as the graph's next output under a name. An input, an initializer, an outer value and what is an
   * output already leave through an Identity; other values take the name themselves, since ONNX Runtime would copy them.
   */
  output(value: Value, name?: string): void {
    this.mustSee(value, name ?? 'output');
    const made = this.nodes.some((node) => node.outputs.includes(value));
    const named = this.outputs.some((output) => output.value === value);
    const out = made && (name === undefined || !named) ? value : this.copied(value);
    if (name !== undefined) out.name = this.claim(name);
    this.outputs.push({ name: out.name, value: out });
  }

  private copied(value: Value): Value {
    const out = new Value(this, this.fresh('out'), value);
    this.nodes.push({
      name: this.fresh('Identity'),
      opType: 'Identity',
      domain: '',
      inputs: [value],
      outputs: [out],
      attributes: {},
    });
    return out;
  }

  /** An initializer whose bytes stay in a file (weights read in place). */
  external(name: string, dtype: DType, shape: readonly number[], data: ExternalData): Value {
    const value = new Value(this, this.claim(name), { dtype, shape });
    this.initializers.push({ value, data });
    return value;
  }

  /** A small constant; equal constants are shared within a graph and its ancestors. */
  constant(dtype: DType, data: number | readonly number[], shape?: readonly number[]): Value {
    const list = typeof data === 'number' ? [data] : data;
    const dims = shape ?? (typeof data === 'number' ? [] : [list.length]);
    if (dims.reduce((a, b) => a * b, 1) !== list.length) {
      throw new GraphError(`constant of ${list.length} elements cannot have the shape [${dims.join(', ')}]`);
    }
    const key = `${dtype}|${dims.join(',')}|${list.map((x) => (Object.is(x, -0) ? '-0' : String(x))).join(',')}`;
    const found = this.findConstant(key);
    if (found !== undefined) return found;
    const integers = dtype === 'int64' || dtype === 'int32';
    const value = new Value(this, this.fresh('const'), {
      dtype,
      shape: dims,
      content: integers && dims.length <= 1 && list.length <= 64 ? list : undefined,
    });
    this.initializers.push({ value, data: { dtype, shape: dims, data: list } });
    this.constants.set(key, value);
    return value;
  }

  private findConstant(key: string): Value | undefined {
    return this.constants.get(key) ?? this.parent?.findConstant(key);
  }

  /** Appends an operator with several outputs. Throws GraphError naming the caller's line when the types do not fit. */
  ops(
    opType: string,
    inputs: readonly (Value | undefined)[],
    attributes: Readonly<Record<string, Attribute>> = {},
    options: NodeOptions = {},
  ): readonly Value[] {
    for (const value of inputs) if (value !== undefined) this.mustSee(value, opType);
    for (const [name, attribute] of Object.entries(attributes)) this.checkAttribute(opType, name, attribute);
    const known = this.arithmeticOf(opType, inputs, attributes);
    const found = known === undefined ? undefined : this.arithmetic.get(known);
    if (found !== undefined) return found;
    const types = inferOutputs(opType, inputs, attributes, options.outputs ?? 1);
    const stem = this.scopeName === '' ? opType : `${this.scopeName}/${opType}`;
    const outputs = types.map((type) => new Value(this, this.fresh(stem), type));
    const domain = options.domain ?? (CONTRIB.has(opType) ? CONTRIB_DOMAIN : '');
    const node: Node = { name: this.fresh(`${stem}.node`), opType, domain, inputs, outputs, attributes };
    this.nodes.push(node);
    this.tape?.push({ inputs, outputs, node });
    if (known !== undefined) this.arithmetic.set(known, outputs);
    return outputs;
  }

  /**
   * What names an operator of index arithmetic that need not be there twice; undefined for all others. A quarter of the graph
   * of a training step is index arithmetic, and to load a node costs the runtime more than to run it.
   */
  private arithmeticOf(
    opType: string,
    inputs: readonly (Value | undefined)[],
    attributes: Readonly<Record<string, Attribute>>,
  ): string | undefined {
    if (!ARITHMETIC.has(opType)) return undefined;
    if (opType !== 'Shape' && inputs.some((value) => value?.dtype !== 'int64' || value.shape.length > 1))
      return undefined;
    return JSON.stringify([opType, inputs.map((value) => value?.name), attributes]);
  }

  /** Appends an operator with one output. */
  op(
    opType: string,
    inputs: readonly (Value | undefined)[],
    attributes: Readonly<Record<string, Attribute>> = {},
    options: NodeOptions = {},
  ): Value {
    const [value] = this.ops(opType, inputs, attributes, options);
    if (value === undefined) throw new GraphError(`${opType} has no output`);
    return value;
  }

  private checkAttribute(opType: string, name: string, attribute: Attribute): void {
    if (typeof attribute === 'number' && !Number.isInteger(attribute)) {
      throw new GraphError(`${opType}: attribute ${name} is ${attribute}: an integer, or { float } is needed`);
    }
    if (!(attribute instanceof Graph) || attribute.parent === undefined || this.isWithin(attribute.parent)) return;
    const seen = attribute.parent.label;
    throw new GraphError(`${opType}: the subgraph "${attribute.label}" sees graph "${seen}", not "${this.label}"`);
  }

  private isWithin(other: Graph): boolean {
    return other === this || (this.parent?.isWithin(other) ?? false);
  }

  private mustSee(value: Value, user: string): void {
    if (this.isWithin(value.graph)) return;
    throw new GraphError(
      `${user}: ${value.name} belongs to graph "${value.graph.label}", not visible in "${this.label}"`,
    );
  }

  /**
   * Tells the runtime that values have the same shape, each dimension a number or a plain symbol: an elementwise operator
   * between them can then write into its input's memory. Needed only where the runtime cannot infer it (loop bodies).
   */
  sameShapes(dims: readonly Dim[], ...values: readonly Value[]): void {
    for (const value of values) this.annotations.set(value, dims);
  }

  /** Runs `build` with node names under `name/`, so that profiles and messages say where a node comes from. */
  scope<T>(name: string, build: () => T): T {
    const before = this.scopeName;
    this.scopeName = before === '' ? name : `${before}/${name}`;
    try {
      return build();
    } finally {
      this.scopeName = before;
    }
  }

  /** Runs `build` and records what it appends for reverse mode. Tapes nest; each sees only its own operators. */
  record<T>(build: () => T): { readonly result: T; readonly tape: readonly TapeEntry[] } {
    const before = this.tape;
    const tape: TapeEntry[] = [];
    this.tape = tape;
    try {
      return { result: build(), tape };
    } finally {
      this.tape = before;
    }
  }

  /** True while operators are being recorded (composites then keep what their backward rule needs). */
  get recording(): boolean {
    return this.tape !== undefined;
  }

  /**
   * Appends a composite: `forward` emits operators that are not recorded one by one; on the way back `backward` gives
   * the gradients of `inputs`, in order. Residuals travel in the closure.
   */
  composite(
    inputs: readonly Value[],
    forward: (graph: Graph) => readonly Value[],
    backward: (graph: Graph, context: BackwardContext) => readonly (Value | undefined)[],
  ): readonly Value[] {
    const before = this.tape;
    this.tape = undefined;
    let outputs: readonly Value[];
    try {
      outputs = forward(this);
    } finally {
      this.tape = before;
    }
    this.tape?.push({ inputs, outputs, backward });
    return outputs;
  }
}
