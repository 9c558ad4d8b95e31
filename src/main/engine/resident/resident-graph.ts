import type { ModelConfig } from '../model/config.ts';
import type { Checkpointing, DecoderInput } from '../model/decoder.ts';
import type { ComputeType } from '../model/converted-weights.ts';
import { parameterValues } from '../model/parameter-values.ts';
import type { FrozenSource, ParameterValues } from '../model/parameter-values.ts';
import type { ParameterLayout } from '../model/parameters.ts';
import { hiddenStates, rowLogits, targetLogProbs } from '../model/score-program.ts';
import { rotaryByRow } from '../model/rotary.ts';
import { flashTreeAttention, treeAttention } from '../model/tree-attention.ts';
import type { DType } from '../onnx/dtype.ts';
import { fromHost, hostType, toHost } from '../onnx/half-rows.ts';
import type { Value } from '../onnx/graph.ts';
import { Graph } from '../onnx/graph.ts';
import * as o from '../onnx/ops.ts';
import { gradientProgram } from '../training/gradient-program.ts';
import { lastSegment, segmentBackward, segmentForward, segmentsOf } from '../training/segment-programs.ts';
import type { Segment, SegmentGradients, SegmentInput } from '../training/segment-programs.ts';
import { decodeProgram } from '../generation/decode-program.ts';
import { pagedDecodeProgram } from '../generation/paged-decode.ts';
import { programInputs } from './program-inputs.ts';
import { RESERVED_PIECES } from './reserved-pieces.ts';
import type { AttentionKind, ProgramInputs } from './program-inputs.ts';

/** The programs of the resident graph, by number. */
export const PROGRAMS = ['score', 'logits', 'logProbabilities', 'hiddenStates', 'gradients', 'generate'] as const;
export type Program = (typeof PROGRAMS)[number];

/** What a program may give; an If has the same outputs in each branch, so the others are empty. */
const OUTPUTS = { floats: 'float32', scalars: 'float32', gradient: 'float32', tokens: 'int32' } as const;
type OutputTypes = Readonly<Record<string, DType>>;
type Outputs = Partial<Record<keyof typeof OUTPUTS | 'rows' | 'row_scales', Value>>;

/** The segments of a graph; none where all layers are in one. */
export function cutInto(layers: number, size: number | undefined): readonly Segment[] {
  return size === undefined || size >= layers ? [] : segmentsOf(layers, size);
}

/** The numbers of a segment's programs, which follow the others. */
export function segmentProgram(segments: readonly Segment[], { index }: Segment, back: boolean): number {
  return PROGRAMS.length + (back ? segments.length : 0) + index;
}

export interface ResidentGraphOptions {
  readonly config: ModelConfig;
  readonly layout: ParameterLayout;
  /** Where the frozen weights are. */
  readonly source: FrozenSource;
  readonly checkpointing: Checkpointing;
  readonly dtype: ComputeType;
  readonly attention: AttentionKind;
  /** New tokens by PagedAttention (CUDA in half precision only), and with the adapter added to a copy of the weights. */
  readonly paged?: boolean;
  readonly mergeAdapter?: boolean;
  /** The programs to build; the others fail when called. Fewer load faster. */
  readonly programs: readonly Program[];
  /** Layers a segment: the program `gradients` is then cut into one forward and one backward program for each. */
  readonly segmentLayers?: number;
}

/**
 * The whole model as ONE graph: weights once, and a branch of nested Ifs for each program, reading them from the outer
 * scope. Outputs: floats, scalars, gradient [P], tokens; each program fills what it has.
 */
export function residentGraph(options: ResidentGraphOptions): Graph {
  const { config, layout, source, dtype } = options;
  const root = new Graph('longhand');
  const segments = cutInto(config.numLayers, options.segmentLayers);
  const between = hostType(dtype);
  const inputs = programInputs(root, {
    parameters: layout.total,
    half: config.headDim / 2,
    attention: options.attention,
    paged: options.paged ?? false,
    ...(segments.length === 0 ? {} : { segment: { hidden: config.hiddenSize, dtype: between } }),
  });
  const vector = o.after(root, inputs.parameters, ...reservedMemory(root, inputs.reserve));
  const parameters = parameterValues(root, layout, vector, source, dtype);
  const tables = { cos: o.cast(root, inputs.cos, dtype), sin: o.cast(root, inputs.sin, dtype) };
  const input = wholeRows(root, config, parameters, inputs, tables, dtype);
  const { ids, from, target, chunk } = inputs;

  const build: Record<Program, (g: Graph) => Outputs> = {
    score: (g) => ({ floats: targetLogProbs(g, input(g), { ids, from, target, chunk }) }),
    logits: (g) => ({ floats: flat(g, rowLogits(g, input(g), { ids, from })) }),
    logProbabilities: (g) => ({ floats: flat(g, o.logSoftmax(g, rowLogits(g, input(g), { ids, from }))) }),
    hiddenStates: (g) => ({ floats: flat(g, hiddenStates(g, input(g), ids)) }),
    gradients: (g) => {
      const score = { ids, from, target, chunk };
      const r = gradientProgram(g, input(g, true), score, inputs.objective, options.checkpointing);
      const scalars = [r.loss, r.nll, r.preference].map((value) => o.reshape(g, value, [1]));
      return { floats: r.logps, scalars: o.concat(g, scalars, 0), gradient: r.gradient };
    },
    generate: (g) => {
      const decode = { prefix: ids, prefixLength: inputs.prefix, tables, ...inputs.decode };
      const rows = input(g);
      const own = options.mergeAdapter === true ? { ...rows, parameters: parameters.merged(g) } : rows;
      const { paged } = inputs;
      const tokens =
        paged === undefined ? decodeProgram(g, own, decode) : pagedDecodeProgram(g, own, { ...decode, ...paged });
      return { tokens: flat(g, tokens) };
    },
  };

  const types: OutputTypes = { ...OUTPUTS, ...(segments.length === 0 ? {} : { rows: between, row_scales: 'float32' }) };
  const cut = segments.length > 0 && options.programs.includes('gradients');
  const chosen = PROGRAMS.filter((name) => options.programs.includes(name) && !(cut && name === 'gradients'));
  const programs = chosen.map((name) => ({ label: name, number: PROGRAMS.indexOf(name), build: build[name] }));
  const ofSegments = cut ? segmentPrograms(segments, inputs, input, options) : [];
  const results = dispatch(root, inputs.program, types, programs, (g) => among(g, inputs.program, types, ofSegments));
  Object.keys(types).forEach((name, i) => {
    const value = results[i];
    if (value !== undefined) root.output(value, name);
  });
  return root;
}

interface BuiltProgram {
  readonly label: string;
  readonly number: number;
  readonly build: (g: Graph) => Outputs;
}

/** For each segment a way forward and a way back; the last one does both at once, with the loss head. */
function segmentPrograms(
  segments: readonly Segment[],
  { ids, from, target, chunk, objective, segment: crossing }: ProgramInputs,
  input: (g: Graph, trains?: boolean) => DecoderInput,
  { dtype, checkpointing }: ResidentGraphOptions,
): readonly BuiltProgram[] {
  if (crossing === undefined) throw new Error('segments need inputs of their own');
  const asLongAsIds = (g: Graph, x: Value): Value =>
    o.reshapeExact(g, x, o.shapeVector(g, o.dimOf(g, ids, 0), Number(o.dim(x, 1))));
  const into = (g: Graph): SegmentInput & { gradient: () => Value } => ({
    ids,
    rows: () => asLongAsIds(g, fromHost(g, crossing.rows, dtype)),
    gradient: () => asLongAsIds(g, fromHost(g, crossing.gradient, dtype)),
  });
  const out = (g: Graph, x: Value | undefined): Outputs => {
    if (x === undefined) return {};
    const { rows, scales } = toHost(g, x);
    return { rows: flat(g, rows), row_scales: flat(g, scales) };
  };
  const gradientOf = ({ gradient }: SegmentGradients): Outputs => (gradient === undefined ? {} : { gradient });
  return segments.flatMap((segment) => {
    const program = (back: boolean, label: string, make: (g: Graph) => Outputs): BuiltProgram => ({
      label: `segment_${segment.index}_${label}`,
      number: segmentProgram(segments, segment, back),
      build: make,
    });
    if (segment.last) {
      const make = (g: Graph): Outputs => {
        const score = { ids, from, target, chunk };
        const r = lastSegment(g, segment, into(g), input(g, true), score, objective, checkpointing);
        const scalars = [r.loss, r.nll, r.preference].map((value) => o.reshape(g, value, [1]));
        return { floats: r.logps, scalars: o.concat(g, scalars, 0), ...gradientOf(r), ...out(g, r.rows) };
      };
      return [program(true, 'last', make)];
    }
    return [
      program(false, 'forward', (g) => out(g, segmentForward(g, segment, into(g), input(g)))),
      program(true, 'backward', (g) => {
        const r = segmentBackward(g, segment, into(g), input(g, true), checkpointing);
        return { ...gradientOf(r), ...out(g, r.rows) };
      }),
    ];
  });
}

/**
 * Memory of the card taken before all else and given back to the run at once. The CUDA arena grows in small pieces that it
 * cannot join; what comes later finds room in these. The dimensions of `sizes` [0, ...] are the pieces' numbers of int64, see reservedPieces.
 */
function reservedMemory(g: Graph, sizes: Value): readonly Value[] {
  const pieces: Value[] = [];
  for (let i = 0; i < RESERVED_PIECES; i++) {
    const size = o.dimOf(g, sizes, i + 1);
    const before = pieces.at(-1);
    // One after the other, the first the largest.
    const length = before === undefined ? size : o.after(g, size, before);
    pieces.push(o.full(g, 'int64', length));
  }
  // Held until the last is there: otherwise it would be cut from the first.
  const last = pieces.at(-1);
  return last === undefined ? [] : pieces.map((piece) => (piece === last ? piece : o.after(g, piece, last)));
}

/** The decoder's input for programs over whole rows. */
function wholeRows(
  root: Graph,
  config: ModelConfig,
  parameters: ParameterValues,
  { tree, positions, ids }: ProgramInputs,
  tables: { readonly cos: Value; readonly sin: Value },
  dtype: ComputeType,
): (g: Graph, trains?: boolean) => DecoderInput {
  const rotary = { ...tables, positions };
  if (tree.kind === 'blocks') {
    const attend = treeAttention(root, config, tree, dtype);
    return () => ({ config, parameters, rotary, attend });
  }
  // Lengths and what is made of them belong to the program itself: from an outer scope they would lie on the card.
  return (g, trains = false) => {
    const { attend, plan } = flashTreeAttention(g, config, tree, ids, dtype, trains);
    const byRow = rotaryByRow(g, rotary);
    const first = [byRow.cos, byRow.sin, ...Object.values(plan.firstKey ?? {})];
    return { config, parameters, rotary: byRow, attend, memory: { mlpChunk: tree.mlpChunk, first } };
  };
}

function flat(g: Graph, x: Value): Value {
  return o.reshape(g, x, [-1]);
}

/** `if program == first then first else (if ... else otherwise)`. */
function dispatch(
  g: Graph,
  program: Value,
  types: OutputTypes,
  [first, ...rest]: readonly BuiltProgram[],
  otherwise: (g: Graph) => readonly Value[] | undefined,
): readonly Value[] {
  if (first === undefined) {
    const values = otherwise(g);
    if (values === undefined) throw new Error('a resident graph needs a program');
    return values;
  }
  const branch = new Graph(`program_${first.label}`, g);
  fill(branch, types, first.build(branch));
  const other = new Graph('otherwise', g);
  const values = rest.length === 0 ? otherwise(other) : dispatch(other, program, types, rest, otherwise);
  if (values === undefined) fill(other, types, {});
  else for (const value of values) other.output(value);
  const condition = o.squeeze(g, o.equal(g, o.dimOf(g, program, 0), first.number), 0);
  return choose(g, condition, branch, other, types);
}

/** One of many programs by halves, so that the Ifs do not nest as deep as there are programs. Nothing where there are none. */
function among(
  g: Graph,
  program: Value,
  types: OutputTypes,
  programs: readonly BuiltProgram[],
): readonly Value[] | undefined {
  if (programs.length === 0) return undefined;
  const sorted = programs.toSorted((a, b) => a.number - b.number);
  const half = sorted.length >> 1;
  const middle = sorted[half];
  if (middle === undefined || half === 0) throw new Error('one program needs no choice');
  const side = (part: readonly BuiltProgram[]): Graph => {
    const branch = new Graph('programs', g);
    const [one] = part;
    if (one !== undefined && part.length === 1) fill(branch, types, one.build(branch));
    else for (const value of among(branch, program, types, part) ?? []) branch.output(value);
    return branch;
  };
  const condition = o.squeeze(g, o.less(g, o.dimOf(g, program, 0), middle.number), 0);
  return choose(g, condition, side(sorted.slice(0, half)), side(sorted.slice(half)), types);
}

function choose(g: Graph, condition: Value, yes: Graph, no: Graph, types: OutputTypes): readonly Value[] {
  const attributes = { then_branch: yes, else_branch: no };
  return g.ops('If', [condition], attributes, { outputs: Object.keys(types).length });
}

function fill(g: Graph, types: OutputTypes, outputs: Outputs): void {
  for (const [name, dtype] of Object.entries(types)) {
    g.output(outputs[name as keyof Outputs] ?? o.full(g, dtype, [0]));
  }
}
