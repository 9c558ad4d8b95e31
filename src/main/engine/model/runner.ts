import type { ParameterLayout } from './parameters.ts';
import type { ModelConfig } from './config.ts';
import type { RopeTables } from './rope.ts';

/**
 * One row of tokens in tree form, batch 1: a shared prefix followed by up to two branches that see the prefix and
 * themselves, not each other: `[prefix | first branch | second branch]`. A plain sequence has an empty second branch.
 * Positions of both branches continue from the prefix (LongPO's packed pair, see the golden conventions).
 */
export interface TreeTokens {
  /** Token ids [T], T = prefix + first + second. */
  readonly ids: Int32Array;
  /** Number of tokens in the shared prefix, in the first and in the second branch. */
  readonly prefix: number;
  readonly first: number;
  readonly second: number;
  /** Position ids [T]; left out, they follow from the tree. */
  readonly positions?: Int32Array;
}

/** The tokens whose log-probabilities are wanted: token `target[m]` is predicted from the row `from[m]`. */
export interface Targets {
  /** Row indices into the sequence [M]. */
  readonly from: Int32Array;
  /** Token ids [M]. */
  readonly target: Int32Array;
}

/** The state of the model for one run: its trainable vector and its rotary tables. */
export interface ModelState {
  /** All trainable parameters as one vector [P], laid out by `ModelRunner.layout`. */
  readonly parameters: Float32Array;
  /** cos and sin for every position that the run uses (policy and reference may differ in theta). */
  readonly rope: RopeTables;
}

/**
 * The scalar objective of one example: sum_m(-nllWeight * logp) + lambda * softplus(-beta * z), z = side(chosen) - side(rejected)
 * with side = sum_m(weight * logp) - reference, or its log odds; see training/objectives.ts.
 */
export interface ObjectiveInput {
  /** Weight of each target's negative log-likelihood [M] (1 / n inside the mean, 0 outside). */
  readonly nllWeight: Float32Array;
  /** Weight of a chosen (rejected) answer's target, else 0 [M]: 1 for a sum over the answers' tokens, 1 / n for a mean. */
  readonly chosenMask: Float32Array;
  readonly rejectedMask: Float32Array;
  /** What is taken off each side: the reference's log-probability sums, in nats. */
  readonly referenceChosen: number;
  readonly referenceRejected: number;
  readonly beta: number;
  /** Weight of the preference term (0 for SFT). */
  readonly lambda: number;
  /** True: z compares log(p / (1 - p)) with log p the weighted sum of a side (ORPO); else those sums themselves. */
  readonly odds: boolean;
}

export interface GradientOutput {
  /** log p of every target [M], in nats. */
  readonly logps: Float32Array;
  /** The objective and its two parts (preference before multiplication by lambda). */
  readonly loss: number;
  readonly nll: number;
  readonly preference: number;
  /** d loss / d parameters [P]. */
  readonly gradient: Float32Array;
}

/** For a step that is cut into several runs: how far it is, and a place to stop. */
export interface StepWatch {
  /** Called after each run but the last; `fraction` of the step's time, null while nothing tells. */
  readonly onPart?: (part: StepPart) => void;
  /** Aborted, the step ends between two runs with UserError('cancelled'), and nothing comes of it. */
  readonly signal?: AbortSignal;
}

export interface StepPart {
  readonly done: number;
  readonly total: number;
  readonly fraction: number | null;
}

/** The same runner, whose gradients are watched. */
export function watchedRunner(runner: ModelRunner, watch: StepWatch): ModelRunner {
  return {
    config: runner.config,
    layout: runner.layout,
    initialParameters: (seed) => runner.initialParameters(seed),
    referenceParameters: () => runner.referenceParameters(),
    score: (...input) => runner.score(...input),
    logProbabilities: (...input) => runner.logProbabilities(...input),
    logits: (...input) => runner.logits(...input),
    hiddenStates: (...input) => runner.hiddenStates(...input),
    gradients: (tokens, targets, objective, state) => runner.gradients(tokens, targets, objective, state, watch),
    generate: (...input) => runner.generate(...input),
    release: () => runner.release(),
  };
}

export interface GenerateInput {
  /** Token ids that all prompts share (may be empty); read once. */
  readonly prefix: Int32Array;
  /** What follows the prefix in each sequence, at least one token each; lengths may differ. */
  readonly prompts: readonly Int32Array[];
  readonly maxNewTokens: number;
  /** 0 = greedy. */
  readonly temperature: number;
  /** 0 = no limit. */
  readonly topK: number;
  /** 1 = no limit. */
  readonly topP: number;
  /** Uniform numbers in [0, 1), [prompts, maxNewTokens] row-major; may be empty for greedy decoding. */
  readonly uniforms: Float32Array;
  /** A sequence ends after any of these tokens. */
  readonly stopIds: readonly number[];
}

export interface GenerateOutput {
  /** New tokens of each sequence, the stop token included where one was reached. */
  readonly tokens: readonly Int32Array[];
  readonly finish: readonly ('stop' | 'length')[];
}

/**
 * A model resident in one ONNX Runtime session with its programs. All calls run one at a time; the engine process owns it.
 */
export interface ModelRunner {
  readonly config: ModelConfig;
  readonly layout: ParameterLayout;
  /** Start value of the trainable vector [P]: LoRA A random, B zero; or the model's own weights for full fine-tuning. */
  readonly initialParameters: (seed: number) => Promise<Float32Array>;
  /** The frozen start model's vector: a zero adapter, or the model's own weights. */
  readonly referenceParameters: () => Promise<Float32Array>;
  /** log p of every target [M], in nats. */
  score(tokens: TreeTokens, targets: Targets, state: ModelState): Promise<Float32Array>;
  /** Log-softmax over the whole vocabulary at the rows given, [rows, vocab] row-major. */
  logProbabilities(tokens: TreeTokens, rows: Int32Array, state: ModelState): Promise<Float32Array>;
  /** Raw logits at the rows given, [rows, vocab] row-major. */
  logits(tokens: TreeTokens, rows: Int32Array, state: ModelState): Promise<Float32Array>;
  /** Hidden states [layers + 1, T, hidden]: embeddings, then each layer's output, the last one after the final norm. */
  hiddenStates(tokens: TreeTokens, state: ModelState): Promise<Float32Array>;
  /** Loss and gradient of one example. */
  gradients(
    tokens: TreeTokens,
    targets: Targets,
    objective: ObjectiveInput,
    state: ModelState,
    watch?: StepWatch,
  ): Promise<GradientOutput>;
  generate(input: GenerateInput, state: ModelState): Promise<GenerateOutput>;
  release(): Promise<void>;
}
