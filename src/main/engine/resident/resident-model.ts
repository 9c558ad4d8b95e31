import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { UserError } from '../../../shared/errors.ts';
import { isFasterTogether } from '../generation/attention-choice.ts';
import { pageLayout, placesOfPages } from '../generation/page-table.ts';
import type { PageLayout } from '../generation/page-table.ts';
import { NO_TOKEN } from '../generation/sampling.ts';
import type { ModelConfig } from '../model/config.ts';
import { loadModelConfig } from '../model/config.ts';
import type { Checkpointing } from '../model/decoder.ts';
import { commonFolder, frozenNames } from '../model/parameter-values.ts';
import { fullLayout, initialFull, initialLora, loraLayout } from '../model/parameters.ts';
import type { LoraChoice, ParameterLayout } from '../model/parameters.ts';
import type {
  GenerateInput,
  GenerateOutput,
  GradientOutput,
  ModelRunner,
  ModelState,
  ObjectiveInput,
  StepWatch,
  Targets,
  TreeTokens,
} from '../model/runner.ts';
import { openWeights } from '../model/weights.ts';
import type { ModelWeights } from '../model/weights.ts';
import { convertWeights } from '../model/converted-weights.ts';
import type { ComputeType } from '../model/converted-weights.ts';
import { openInt4Weights } from '../model/int4-weights.ts';
import type { Int4Weights } from '../model/int4-weights.ts';
import { Session } from '../onnx/session.ts';
import type { Device, HostTensor } from '../onnx/session.ts';
import { checkGenerate, checkObjective, checkRows, checkState, checkTargets, checkTree } from './input-checks.ts';
import { cutInto, PROGRAMS, residentGraph } from './resident-graph.ts';
import type { AttentionKind } from './program-inputs.ts';
import type { Program } from './resident-graph.ts';
import { reservedPieces } from './reserved-pieces.ts';
import { emptyRow, layoutRow, ruler } from './row-layout.ts';
import type { RowLayout } from './row-layout.ts';
import { SegmentedStep } from './segmented-step.ts';
import type { Feeds, Results } from './segmented-step.ts';

export interface ResidentOptions {
  readonly device: Device;
  /** Number of the CUDA card. */
  readonly deviceId?: number;
  /** The type of weights and activations: default float32 on the CPU, bfloat16 on CUDA. */
  readonly dtype?: ComputeType;
  /** Default: flash attention for bfloat16. The CPU computes it too, in float32 (for tests). */
  readonly attention?: AttentionKind;
  /** Threads inside one operator; fixed so that sums are made in the same order each time. */
  readonly threads: number;
  readonly trainable: { readonly kind: 'full' } | ({ readonly kind: 'lora' } & LoraChoice) | LayoutChoice;
  readonly checkpointing?: Checkpointing;
  /** Use the linear layers' weights in 4 bits (not with full training): converted once into a folder below this one. */
  readonly int4Folder?: string;
  /** Stops the conversion to 4 bits. */
  readonly signal?: AbortSignal;
  /** Hears of each layer that is converted; not called where an earlier conversion is found whole. */
  readonly onConversion?: (layers: number, total: number) => void;
  /** Programs to build (all when left out). */
  readonly programs?: readonly Program[];
  /** Longest query block of the attention, and rows of the loss head in one chunk. */
  readonly attentionBlock?: number;
  readonly lossChunk?: number;
  /** With flash attention: rows of the MLP at a time, and scores of attention at a time on the way back. */
  readonly mlpRows?: number;
  readonly scoresAtOnce?: number;
  /**
   * Bytes of the card's memory that are taken in large pieces once the model is there (in whole GiB, 96 at most; as much as
   * there is) and given back with it. The pieces that runs take as they grow cannot be joined: a long row needs more of them.
   */
  readonly reserveBytes?: number;
  /**
   * Layers in a segment: a gradient step is then several runs, and what lies between them waits in host memory. Left out,
   * or at least as many as the model has: one run.
   */
  readonly segmentLayers?: number;
  /** What of the computer's memory segments may use; default: what is free when a step begins. */
  readonly hostBytes?: number;
  /** New tokens by PagedAttention; default: on CUDA in bfloat16, where alone it runs. */
  readonly paged?: boolean;
  /** With it, attention over all sequences at once; default: where that is faster, see `isFasterTogether`. */
  readonly together?: boolean;
  /**
   * Generate with the adapter added to a copy of the weights: faster, for the memory of the adapted ones. Default: no, because
   * bfloat16 has 8 bits: what a short training adds to a weight is rounded away.
   */
  readonly mergeAdapter?: boolean;
  /** Batched prompts longer than this (after the prefix) are decoded one by one: all at once would take much memory. */
  readonly longPrompt?: number;
  readonly profile?: string;
  readonly arena?: boolean;
}

/** A layout that is already there (an adapter read from disk). */
interface LayoutChoice {
  readonly kind: 'layout';
  readonly layout: ParameterLayout;
}

/** Larger blocks cost memory, smaller ones time: measured on two CPU cores, and on an H100. */
const LIMITS = {
  blocks: { block: 256, lossChunk: 256, mlpRows: 0, scores: 0 },
  flash: { block: 1024, lossChunk: 1024, mlpRows: 4096, scores: 1.2e9 },
  // Who uses 4-bit weights is short of memory: with these, an 8B model's pair of 32K tokens fits into 24 GiB.
  flashInt4: { block: 1024, lossChunk: 1024, mlpRows: 1024, scores: 1.5e8 },
} as const;
const LONG_PROMPT = 2048;

/** Loads a Hugging Face folder into one session with all programs. */
export async function loadResidentModel(dir: string, options: ResidentOptions): Promise<ResidentModel> {
  const config = await loadModelConfig(dir);
  const weights = await openWeights(dir, config);
  return ResidentModel.create(config, weights, options);
}

/**
 * The real ModelRunner: one ONNX Runtime session, several programs. Calls that overlap, input that does not fit the model
 * and programs that were not built are refused with plain Errors before anything runs.
 */
export class ResidentModel implements ModelRunner {
  readonly config: ModelConfig;
  readonly layout: ParameterLayout;
  private readonly weights: ModelWeights;
  private readonly session: Session;
  private readonly options: ResidentOptions;
  private readonly segmented: SegmentedStep | undefined;
  private fullReference: Promise<Float32Array> | undefined;
  private busy = false;

  private constructor(
    config: ModelConfig,
    weights: ModelWeights,
    layout: ParameterLayout,
    session: Session,
    options: ResidentOptions,
  ) {
    this.config = config;
    this.weights = weights;
    this.layout = layout;
    this.session = session;
    this.options = options;
    const segments = cutInto(config.numLayers, options.segmentLayers);
    if (segments.length > 0)
      this.segmented = new SegmentedStep(config, layout, segments, precision(options).dtype, options.hostBytes);
  }

  static async create(config: ModelConfig, weights: ModelWeights, options: ResidentOptions): Promise<ResidentModel> {
    const layout = layoutOf(config, options);
    const { dtype, attention } = precision(options);
    const int4 = await int4Of(config, weights, layout, options);
    const files = [...weights.tensors.values(), ...(int4?.values() ?? [])].map(({ path }) => path);
    const folder = commonFolder(files);
    const inFloats = frozenNames(layout, weights).filter((name) => !int4?.has(name));
    const converted = await convertWeights(weights, inFloats, dtype);
    const memoryFiles = converted.places.size === 0 ? [] : [converted, ...(await inMemory(int4, folder))];
    const graph = residentGraph({
      config,
      layout,
      source: { weights, folder, converted, ...(int4 === undefined ? {} : { int4 }) },
      dtype,
      attention,
      paged: isPaged(options),
      mergeAdapter: options.mergeAdapter ?? false,
      checkpointing: options.checkpointing ?? 'none',
      programs: options.programs ?? PROGRAMS,
      ...(options.segmentLayers === undefined ? {} : { segmentLayers: options.segmentLayers }),
    });
    const session = await Session.create(graph, {
      device: options.device,
      ...(options.deviceId === undefined ? {} : { deviceId: options.deviceId }),
      threads: options.threads,
      weightFolder: folder,
      ...(memoryFiles.length === 0 ? {} : { memoryFiles }),
      ...(options.profile === undefined ? {} : { profile: options.profile }),
      ...(options.arena === undefined ? {} : { arena: options.arena }),
    });
    const model = new ResidentModel(config, weights, layout, session, options);
    if (options.device === 'cuda') await model.warmUp();
    return model;
  }

  /**
   * One token through each program over whole rows. CUDA makes the handles of its libraries when they are first used, and
   * cannot any more once a long row has taken the card's memory. Then memory is taken in advance, once: the arena keeps it, and
   * a second time, what runs leave behind would lie in one of the pieces, and another one be taken.
   */
  private async warmUp(): Promise<void> {
    const built = this.options.programs ?? PROGRAMS;
    const { headDim } = this.config;
    const rope = {
      cos: new Float32Array(headDim / 2).fill(1),
      sin: new Float32Array(headDim / 2),
      length: 1,
      half: headDim / 2,
    };
    const state = { parameters: new Float32Array(this.layout.total), rope };
    const rows = this.layoutOf({ ids: Int32Array.of(0), prefix: 1, first: 0, second: 0 });
    const one = vector(Int32Array.of(0));
    const weights = ['nll_weight', 'chosen_mask', 'rejected_mask'].map((name) => [name, vector(Float32Array.of(1))]);
    const feeds: Feeds = { ...rows.feeds, from: one, target: one };
    const score = (reserve: number): Promise<Results> =>
      this.alone(() => this.run('score', state, { ...feeds, reserve: reserved(reserve) }));
    if (built.includes('score')) await score(0);
    const trained = { ...feeds, ...(Object.fromEntries(weights) as Feeds) };
    if (built.includes('gradients')) await this.alone(() => this.gradientRuns(state, trained, rows.length, {}));
    const { reserveBytes = 0 } = this.options;
    if (!built.includes('score') || reserveBytes === 0) return;
    await score(reserveBytes).catch((error: unknown) => {
      // What there was is taken; whether it is enough shows in the step.
      if (!(error instanceof UserError) || error.code !== 'no_memory') throw error;
    });
  }

  async initialParameters(seed: number): Promise<Float32Array> {
    return this.layout.kind === 'lora' ? initialLora(this.layout, seed) : (await this.ownWeights()).slice();
  }

  async referenceParameters(): Promise<Float32Array> {
    return this.layout.kind === 'lora' ? new Float32Array(this.layout.total) : this.ownWeights();
  }

  private ownWeights(): Promise<Float32Array> {
    this.fullReference ??= initialFull(this.layout, this.weights);
    return this.fullReference;
  }

  async score(tokens: TreeTokens, targets: Targets, state: ModelState): Promise<Float32Array> {
    const rows = this.rows(tokens, state);
    return this.floats('score', state, { ...rows.feeds, ...this.targets(tokens, targets, rows) });
  }

  async logits(tokens: TreeTokens, rows: Int32Array, state: ModelState): Promise<Float32Array> {
    return this.rowFloats('logits', tokens, rows, state);
  }

  async logProbabilities(tokens: TreeTokens, rows: Int32Array, state: ModelState): Promise<Float32Array> {
    return this.rowFloats('logProbabilities', tokens, rows, state);
  }

  async hiddenStates(tokens: TreeTokens, state: ModelState): Promise<Float32Array> {
    const rows = this.rows(tokens, state);
    const padded = await this.floats('hiddenStates', state, rows.feeds);
    const { hiddenSize, numLayers } = this.config;
    const out = new Float32Array((numLayers + 1) * tokens.ids.length * hiddenSize);
    for (let i = 0; i < (numLayers + 1) * tokens.ids.length; i++) {
      const state = Math.floor(i / tokens.ids.length);
      const from = (state * rows.length + rows.place(i % tokens.ids.length)) * hiddenSize;
      out.set(padded.subarray(from, from + hiddenSize), i * hiddenSize);
    }
    return out;
  }

  async gradients(
    tokens: TreeTokens,
    targets: Targets,
    objective: ObjectiveInput,
    state: ModelState,
    watch: StepWatch = {},
  ): Promise<GradientOutput> {
    const rows = this.rows(tokens, state);
    checkObjective(objective, targets.target.length);
    const inputs = { ...rows.feeds, ...this.targets(tokens, targets, rows), ...objectiveFeeds(objective) };
    const { floats, scalars, gradient } = await this.alone(() => this.gradientRuns(state, inputs, rows.length, watch));
    const [loss = NaN, nll = NaN, preference = NaN] = floatsOf(scalars);
    return { logps: floatsOf(floats), loss, nll, preference, gradient: floatsOf(gradient) };
  }

  /** The gradient of a row of `length` tokens with its padding, in one run or in segments. */
  private async gradientRuns(
    state: ModelState,
    feeds: Feeds,
    length: number,
    watch: StepWatch,
  ): Promise<Omit<Results, 'tokens'>> {
    if (this.segmented === undefined) return this.run('gradients', state, feeds);
    this.mustHave('gradients');
    const run = (program: number, between: Feeds): Promise<Results> =>
      this.runNumber(program, state, { ...feeds, ...between });
    return this.segmented.run(run, length, watch);
  }

  async generate(input: GenerateInput, state: ModelState): Promise<GenerateOutput> {
    checkGenerate(input, this.config.vocabSize, state.rope);
    const longest = Math.max(...input.prompts.map((prompt) => prompt.length));
    const tooLong = input.prompts.length > 1 && longest > (this.options.longPrompt ?? LONG_PROMPT);
    return this.alone(() => (tooLong ? this.generateOneByOne(input, state) : this.decode(input, state)));
  }

  private async generateOneByOne(input: GenerateInput, state: ModelState): Promise<GenerateOutput> {
    const tokens: Int32Array[] = [];
    const finish: ('stop' | 'length')[] = [];
    for (const [i, prompt] of input.prompts.entries()) {
      const { maxNewTokens: n } = input;
      const uniforms = input.uniforms.subarray(i * n, (i + 1) * n);
      const one = await this.decode({ ...input, prompts: [prompt], uniforms }, state);
      tokens.push(...one.tokens);
      finish.push(...one.finish);
    }
    return { tokens, finish };
  }

  private async decode(request: GenerateInput, state: ModelState): Promise<GenerateOutput> {
    const input = request.prompts.length === 1 ? readAsPrefix(request) : request;
    const batch = input.prompts.length;
    const longest = Math.max(...input.prompts.map((prompt) => prompt.length));
    // As many queries in a block as elsewhere, of all sequences together.
    const promptBlock = evenParts(longest, Math.max(1, Math.floor(this.limits.block / batch)));
    const width = Math.ceil(longest / promptBlock) * promptBlock;
    const prompts = new Int32Array(batch * width);
    input.prompts.forEach((prompt, i) => {
      prompts.set(prompt, i * width);
    });
    const greedy = input.temperature === 0;
    const uniforms = greedy ? new Float32Array(batch * input.maxNewTokens) : input.uniforms;
    // CUDA kernels cannot start on no rows: an empty prefix is a row of padding there.
    const ids = input.prefix.length === 0 && this.options.device === 'cuda' ? Int32Array.of(0) : input.prefix;
    const prefix = { ids, prefix: ids.length, first: 0, second: 0 };
    const feeds: Feeds = {
      ...this.layoutOf(prefix).feeds,
      prefix: size(input.prefix.length),
      prompts: { data: prompts, dims: [batch, width] },
      lengths: { data: BigInt64Array.from(input.prompts, (prompt) => BigInt(prompt.length)), dims: [batch] },
      prompt_block: size(promptBlock),
      max_new_tokens: { data: BigInt64Array.of(BigInt(input.maxNewTokens)), dims: [] },
      temperature: scalar(input.temperature),
      top_k: size(input.topK),
      top_p: scalar(input.topP),
      uniforms: { data: uniforms, dims: [batch, input.maxNewTokens] },
      stop_ids: vector(Int32Array.from(input.stopIds)),
      ...(isPaged(this.options) ? this.pages(input.prefix.length, width + input.maxNewTokens, batch) : {}),
    };
    const { tokens } = await this.run('generate', state, feeds);
    return collect(tokens.data as Int32Array, batch, new Set(input.stopIds));
  }

  /** Pages of a batch behind a shared prefix, with room for `own` more keys in each sequence. */
  private pages(prefix: number, own: number, batch: number): Feeds {
    const layout = pageLayout(prefix, own, batch);
    return pageFeeds(layout, batch, this.options.together ?? isFasterTogether(layout, batch, this.config));
  }

  private get limits(): { block: number; lossChunk: number; mlpRows: number; scores: number } {
    const { attentionBlock, lossChunk, mlpRows, scoresAtOnce, int4Folder } = this.options;
    const { attention } = precision(this.options);
    const usual = LIMITS[attention === 'flash' && int4Folder !== undefined ? 'flashInt4' : attention];
    return {
      block: attentionBlock ?? usual.block,
      lossChunk: lossChunk ?? usual.lossChunk,
      mlpRows: mlpRows ?? usual.mlpRows,
      scores: scoresAtOnce ?? usual.scores,
    };
  }

  private layoutOf(tokens: TreeTokens): RowLayout {
    return layoutRow(tokens, precision(this.options).attention, this.limits, this.config);
  }

  private rows(tokens: TreeTokens, { rope }: ModelState): RowLayout {
    checkTree(tokens, this.config.vocabSize, rope);
    return this.layoutOf(tokens);
  }

  private targets({ ids }: TreeTokens, { from, target }: Targets, rows: RowLayout): Feeds {
    checkTargets({ from, target }, ids.length, this.config.vocabSize);
    const chunk = evenParts(target.length, this.limits.lossChunk);
    return { from: vector(from.map(rows.place)), target: vector(target), chunk: ruler(chunk) };
  }

  private async rowFloats(
    program: Program,
    tokens: TreeTokens,
    at: Int32Array,
    state: ModelState,
  ): Promise<Float32Array> {
    const rows = this.rows(tokens, state);
    checkRows(at, tokens.ids.length);
    return this.floats(program, state, { ...rows.feeds, from: vector(at.map(rows.place)) });
  }

  private async floats(program: Program, state: ModelState, feeds: Feeds): Promise<Float32Array> {
    return floatsOf((await this.alone(() => this.run(program, state, feeds))).floats);
  }

  /** Runs nothing while a call is under way: the session must never run twice at once. */
  private async alone<T>(action: () => Promise<T>): Promise<T> {
    if (this.busy) throw new Error('calls of a model must not overlap');
    this.busy = true;
    try {
      return await action();
    } finally {
      this.busy = false;
    }
  }

  private mustHave(program: Program): void {
    const built = this.options.programs ?? PROGRAMS;
    if (!built.includes(program)) throw new Error(`the program "${program}" was not built, only ${built.join(', ')}`);
  }

  private async run(program: Program, state: ModelState, feeds: Feeds): Promise<Results> {
    this.mustHave(program);
    return this.runNumber(PROGRAMS.indexOf(program), state, feeds);
  }

  private async runNumber(program: number, state: ModelState, feeds: Feeds): Promise<Results> {
    checkState(state, this.layout, this.config);
    const { parameters, rope } = state;
    const results = await this.session.run({
      ...EMPTY,
      ...emptyRow(precision(this.options).attention),
      ...(isPaged(this.options) ? pageFeeds(pageLayout(0, 0, 0), 0, false) : {}),
      ...this.segmented?.nothing,
      program: ruler(program),
      parameters: vector(parameters),
      rope_cos: { data: rope.cos, dims: [rope.length, rope.half] },
      rope_sin: { data: rope.sin, dims: [rope.length, rope.half] },
      ...feeds,
    });
    const { floats, scalars, gradient, tokens, rows, row_scales: scales } = results;
    if (floats === undefined || scalars === undefined || gradient === undefined || tokens === undefined) {
      throw new Error('the resident graph has four outputs');
    }
    return { floats, scalars, gradient, tokens, ...(rows && scales ? { between: { rows, scales } } : {}) };
  }

  /** Ends profiling; the trace file is written. */
  endProfiling(): void {
    this.session.endProfiling();
  }

  async release(): Promise<void> {
    await this.alone(() => this.session.release());
  }
}

function layoutOf(config: ModelConfig, { trainable }: ResidentOptions): ParameterLayout {
  if (trainable.kind === 'layout') return trainable.layout;
  return trainable.kind === 'full' ? fullLayout(config) : loraLayout(config, trainable);
}

/** The 4-bit weights, where they are asked for. */
async function int4Of(
  config: ModelConfig,
  weights: ModelWeights,
  layout: ParameterLayout,
  options: ResidentOptions,
): Promise<Int4Weights | undefined> {
  const { int4Folder, signal, onConversion } = options;
  if (int4Folder === undefined) return undefined;
  if (layout.kind === 'full') {
    throw new UserError('invalid_input', 'Weights in 4 bits cannot be trained.', {
      hint: 'Train a LoRA adapter, or use the weights in their own precision.',
      place: { field: 'baseBits' },
    });
  }
  return openInt4Weights(weights, config, {
    folder: int4Folder,
    ...(signal === undefined ? {} : { signal }),
    ...(onConversion === undefined ? {} : { onProgress: onConversion }),
  });
}

/** The files of 4-bit weights as they are: onnxruntime reads all weights from files or all from memory. */
async function inMemory(int4: Int4Weights | undefined, folder: string): Promise<{ path: string; data: Uint8Array }[]> {
  const files = [...new Set([...(int4?.values() ?? [])].map((weight) => weight.path))];
  return Promise.all(files.map(async (file) => ({ path: relative(folder, file), data: await readFile(file) })));
}

/** The size of equal parts of n, at most `limit` each. */
function evenParts(n: number, limit: number): number {
  return n === 0 ? 1 : Math.ceil(n / Math.ceil(n / limit));
}

/** Type and attention of a session: what the options say, or what the device is best at. */
function precision({ device, dtype, attention }: ResidentOptions): { dtype: ComputeType; attention: AttentionKind } {
  const type = dtype ?? (device === 'cpu' ? 'float32' : 'bfloat16');
  return { dtype: type, attention: attention ?? (type === 'bfloat16' ? 'flash' : 'blocks') };
}

/** Whether new tokens are decoded by PagedAttention. */
function isPaged(options: ResidentOptions): boolean {
  return options.paged ?? (options.device === 'cuda' && precision(options).dtype === 'bfloat16');
}

function pageFeeds(layout: PageLayout, batch: number, together: boolean): Feeds {
  const { table, pages, shared, rest } = layout;
  const places = together ? placesOfPages(layout, batch) : new Int32Array(0);
  return {
    places: { data: places, dims: places.length === 0 ? [0, 0] : [batch, places.length / batch] },
    page_table: { data: table, dims: [batch, pages] },
    prefix_pages: { data: new Uint8Array(0), dims: [0, shared, rest] },
  };
}

function vector(data: Int32Array | Float32Array): HostTensor {
  return { data, dims: [data.length] };
}

function size(value: number): HostTensor {
  return { data: BigInt64Array.of(BigInt(value)), dims: [1] };
}

function reserved(bytes: number): HostTensor {
  return { data: new Uint8Array(0), dims: [0, ...reservedPieces(bytes)] };
}

function scalar(value: number): HostTensor {
  return { data: Float32Array.of(value), dims: [] };
}

function floatsOf(tensor: HostTensor): Float32Array {
  if (!(tensor.data instanceof Float32Array)) throw new Error('expected float32');
  return tensor.data;
}

/** One sequence: all but its last token can be read in blocks, as a prefix. */
function readAsPrefix(input: GenerateInput): GenerateInput {
  const [prompt = new Int32Array(0)] = input.prompts;
  return { ...input, prefix: joined(input.prefix, prompt.subarray(0, -1)), prompts: [prompt.subarray(-1)] };
}

function joined(a: Int32Array, b: Int32Array): Int32Array {
  const out = new Int32Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}

function objectiveFeeds(objective: ObjectiveInput): Feeds {
  return {
    nll_weight: vector(objective.nllWeight),
    chosen_mask: vector(objective.chosenMask),
    rejected_mask: vector(objective.rejectedMask),
    reference_chosen: scalar(objective.referenceChosen),
    reference_rejected: scalar(objective.referenceRejected),
    beta: scalar(objective.beta),
    lambda: scalar(objective.lambda),
    odds: scalar(Number(objective.odds)),
  };
}

/**
 * Tokens [steps, B] with -1 after a sequence's end, by sequence.
 * @throws UserError where the model gave NO_TOKEN
 */
function collect(flat: Int32Array, batch: number, stops: ReadonlySet<number>): GenerateOutput {
  if (flat.includes(NO_TOKEN)) {
    throw new UserError('invalid_input', "The model's outputs are not numbers.", {
      hint: 'Its weights or its adapter may come from a training that diverged: use an earlier checkpoint.',
    });
  }
  const tokens: Int32Array[] = [];
  const finish: ('stop' | 'length')[] = [];
  for (let b = 0; b < batch; b++) {
    const sequence = flat.filter((token, i) => i % batch === b && token >= 0);
    tokens.push(sequence);
    finish.push(stops.has(sequence.at(-1) ?? -1) ? 'stop' : 'length');
  }
  return { tokens, finish };
}

/** What is fed to the inputs that a program does not read. */
const EMPTY: Feeds = {
  reserve: reserved(0),
  prefix: size(0),
  from: vector(new Int32Array(0)),
  target: vector(new Int32Array(0)),
  chunk: ruler(1),
  nll_weight: vector(new Float32Array(0)),
  chosen_mask: vector(new Float32Array(0)),
  rejected_mask: vector(new Float32Array(0)),
  reference_chosen: scalar(0),
  reference_rejected: scalar(0),
  beta: scalar(0),
  lambda: scalar(0),
  odds: scalar(0),
  prompts: { data: new Int32Array(0), dims: [0, 0] },
  lengths: { data: new BigInt64Array(0), dims: [0] },
  prompt_block: size(1),
  max_new_tokens: { data: BigInt64Array.of(0n), dims: [] },
  temperature: scalar(0),
  top_k: size(0),
  top_p: scalar(1),
  uniforms: { data: new Float32Array(0), dims: [0, 0] },
  stop_ids: vector(new Int32Array(0)),
};
