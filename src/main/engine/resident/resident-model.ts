import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { UserError } from '../../../shared/errors.ts';
import type { ModelConfig } from '../model/config.ts';
import { loadModelConfig } from '../model/config.ts';
import { commonFolder, frozenNames } from '../model/parameter-values.ts';
import { initialFull, initialLora } from '../model/parameters.ts';
import type { ParameterLayout } from '../model/parameters.ts';
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
import { openInt4Weights } from '../model/int4-weights.ts';
import type { Int4Weights } from '../model/int4-weights.ts';
import { pageLayout } from '../generation/page-table.ts';
import { Session } from '../onnx/session.ts';
import { collect, decodeFeeds } from './decoding.ts';
import { EMPTY, floatsOf, objectiveFeeds, pageFeeds, reserved, vector } from './feeds.ts';
import { checkGenerate, checkObjective, checkRows, checkState, checkTargets, checkTree } from './input-checks.ts';
import { cutInto, PROGRAMS, residentGraph } from './resident-graph.ts';
import type { Program } from './resident-graph.ts';
import { isPaged, layoutOf, limitsOf, precision } from './resident-options.ts';
import type { ResidentOptions } from './resident-options.ts';
import { emptyRow, evenParts, layoutRow, ruler } from './row-layout.ts';
import type { RowLayout } from './row-layout.ts';
import { SegmentedStep } from './segmented-step.ts';
import type { Feeds, Results } from './segmented-step.ts';

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

  private async decode(input: GenerateInput, state: ModelState): Promise<GenerateOutput> {
    const { tokens } = await this.run('generate', state, decodeFeeds(input, this.config, this.options));
    return collect(tokens.data as Int32Array, input.prompts.length, new Set(input.stopIds));
  }

  private layoutOf(tokens: TreeTokens): RowLayout {
    return layoutRow(tokens, precision(this.options).attention, limitsOf(this.options), this.config);
  }

  private rows(tokens: TreeTokens, { rope }: ModelState): RowLayout {
    checkTree(tokens, this.config.vocabSize, rope);
    return this.layoutOf(tokens);
  }

  private targets({ ids }: TreeTokens, { from, target }: Targets, rows: RowLayout): Feeds {
    checkTargets({ from, target }, ids.length, this.config.vocabSize);
    const chunk = evenParts(target.length, limitsOf(this.options).lossChunk);
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
