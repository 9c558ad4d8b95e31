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
import type { Value } from '../onnx/graph.ts';
import { Graph } from '../onnx/graph.ts';
import * as o from '../onnx/ops.ts';
import { gradientProgram } from '../training/gradient-program.ts';
import { decodeProgram } from '../generation/decode-program.ts';
import { programInputs } from './program-inputs.ts';
import { RESERVED_PIECES } from './reserved-pieces.ts';
import type { AttentionKind, ProgramInputs } from './program-inputs.ts';

/** The programs of the resident graph, by number. */
export const PROGRAMS = ['score', 'logits', 'logProbabilities', 'hiddenStates', 'gradients', 'generate'] as const;
export type Program = (typeof PROGRAMS)[number];

/** What a program may give; an If has the same outputs in each branch, so the others are empty. */
const OUTPUTS = { floats: 'float32', scalars: 'float32', gradient: 'float32', tokens: 'int32' } as const;
type Outputs = Partial<Record<keyof typeof OUTPUTS, Value>>;

export interface ResidentGraphOptions {
  readonly config: ModelConfig;
  readonly layout: ParameterLayout;
  /** Where the frozen weights are. */
  readonly source: FrozenSource;
  readonly checkpointing: Checkpointing;
  readonly dtype: ComputeType;
  readonly attention: AttentionKind;
  /** The programs to build; the others fail when called. Fewer load faster. */
  readonly programs: readonly Program[];
}

/**
 * The whole model as ONE graph: weights once, and a branch of nested Ifs for each program, reading them from the outer
 * scope. Outputs: floats, scalars, gradient [P], tokens; each program fills what it has.
 */
export function residentGraph(options: ResidentGraphOptions): Graph {
  const { config, layout, source, dtype } = options;
  const root = new Graph('longhand');
  const inputs = programInputs(root, layout.total, config.headDim / 2, options.attention);
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
      return { tokens: flat(g, decodeProgram(g, input(g), decode)) };
    },
  };

  const chosen = PROGRAMS.filter((name) => options.programs.includes(name));
  const results = dispatch(root, inputs.program, chosen, build);
  Object.keys(OUTPUTS).forEach((name, i) => {
    const value = results[i];
    if (value !== undefined) root.output(value, name);
  });
  return root;
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

/** `if program == first then first else (if ...)`; a number that names no program gives empty outputs. */
function dispatch(
  g: Graph,
  program: Value,
  [name, ...rest]: readonly Program[],
  build: Record<Program, (g: Graph) => Outputs>,
): readonly Value[] {
  const otherwise = new Graph('otherwise', g);
  if (name === undefined) throw new Error('a resident graph needs a program');
  const branch = new Graph(`program_${name}`, g);
  fill(branch, build[name](branch));
  if (rest.length === 0) fill(otherwise, {});
  else for (const value of dispatch(otherwise, program, rest, build)) otherwise.output(value);
  return g.ops(
    'If',
    [o.squeeze(g, o.equal(g, o.dimOf(g, program, 0), PROGRAMS.indexOf(name)), 0)],
    { then_branch: branch, else_branch: otherwise },
    { outputs: Object.keys(OUTPUTS).length },
  );
}

function fill(g: Graph, outputs: Outputs): void {
  for (const [name, dtype] of Object.entries(OUTPUTS) as [keyof typeof OUTPUTS, DType][]) {
    g.output(outputs[name] ?? o.full(g, dtype, [0]));
  }
}
