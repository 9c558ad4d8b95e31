import type { RunConfigInput } from './run-config.ts';

/**
 * Named starting points for a run. `paper` is arXiv 2502.13922 as printed, `releasedCode` the README script of
 * DAMO-NLP-SG/LongPO, `smallModel` the paper's objective with an adapter for models that fit one card or a CPU, `demo` the recipe of the bundled Harbour demo (tuned on that small world).
 */
export const presets = {
  paper: {
    objective: 'longpo',
    beta: 0.1,
    lambda: 0.01,
    nllDocument: 1,
    nllAnswers: 0,
    learningRate: 5e-7,
    schedule: 'cosine',
    warmupRatio: 0.1,
    epochs: 1,
    batchSize: 8,
    optimizer: { kind: 'adamw', beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0 },
    maxGradNorm: 1,
    seed: 42,
    trainable: { kind: 'full' },
    ropeTheta: 1e7,
    maxLength: 131072,
    turnsPerSample: 4,
  },
  releasedCode: {
    objective: 'longpo',
    beta: 0.01,
    lambda: 0.01,
    nllDocument: 1,
    nllAnswers: 0,
    learningRate: 5e-7,
    schedule: 'cosine',
    warmupRatio: 0.1,
    epochs: 1,
    batchSize: 8,
    optimizer: { kind: 'rmsprop', alpha: 0.99, eps: 1e-8, weightDecay: 0 },
    maxGradNorm: 1,
    seed: 42,
    trainable: { kind: 'full' },
    ropeTheta: 1e7,
    maxLength: 131072,
    turnsPerSample: 4,
  },
  smallModel: {
    objective: 'longpo',
    beta: 0.1,
    lambda: 0.01,
    nllDocument: 1,
    nllAnswers: 0,
    learningRate: 1e-4,
    schedule: 'cosine',
    warmupRatio: 0.1,
    epochs: 1,
    batchSize: 8,
    optimizer: { kind: 'adamw', beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0 },
    maxGradNorm: 1,
    seed: 42,
    trainable: { kind: 'lora', rank: 16, alpha: 32 },
    ropeTheta: null,
    maxLength: 131072,
    turnsPerSample: 4,
    checkpointEvery: 50,
    evalEvery: 25,
  },
  demo: {
    objective: 'longpo',
    beta: 0.1,
    lambda: 0.01,
    nllDocument: 0.1,
    nllAnswers: 1,
    learningRate: 2e-4,
    schedule: 'cosine',
    warmupRatio: 0.1,
    epochs: 2,
    batchSize: 8,
    optimizer: { kind: 'adamw', beta1: 0.9, beta2: 0.98, eps: 1e-8, weightDecay: 0 },
    maxGradNorm: 1,
    seed: 0,
    trainable: { kind: 'full' },
    ropeTheta: null,
    maxLength: 1024,
    turnsPerSample: 4,
    gradientCheckpointing: 'none',
    checkpointEvery: 38,
    evalEvery: 19,
    heldOutFraction: 0,
    device: 'cpu',
  },
} as const satisfies Record<string, RunConfigInput>;

export type PresetName = keyof typeof presets;

/** What a person reads. */
export const presetLabels: Readonly<Record<PresetName, string>> = {
  paper: 'Paper',
  releasedCode: 'Released code',
  smallModel: 'Small model',
  demo: 'Demo',
};

/** One point on which paper, released code and demo recipe part ways. */
export interface PresetDifference {
  /** Field of the run configuration, or null where the point concerns how the pairs are made. */
  readonly field: keyof RunConfigInput | null;
  readonly point: string;
  readonly paper: string;
  readonly releasedCode: string;
  readonly smallModel: string;
  readonly demo: string;
}

/** Where the presets differ, or where one source is silent and a choice had to be made. */
export const presetDifferences: readonly PresetDifference[] = [
  {
    field: 'beta',
    point: 'Strength of the constraint (beta)',
    paper: '0.1',
    releasedCode: '0.01 (script and argument default)',
    smallModel: '0.1',
    demo: '0.1',
  },
  {
    field: 'lambda',
    point: 'Weight of the preference term (lambda)',
    paper: '0.01; the NLL has weight 1',
    releasedCode: '0.01 in the script, 0.1 as the argument default',
    smallModel: '0.01; the NLL has weight 1',
    demo: '0.01',
  },
  {
    field: 'nllDocument',
    point: 'Tokens of the NLL',
    paper: 'the whole chosen sequence, document included',
    releasedCode: 'the same, with padding counted in where the rejected sequence is longer (not reproduced)',
    smallModel: 'the whole chosen sequence',
    demo: 'answers with weight 1, whole sequence with weight 0.1',
  },
  {
    field: 'optimizer',
    point: 'Optimizer',
    paper: 'Adam; betas and epsilon not stated (0.9, 0.999, 1e-8 used)',
    releasedCode: 'RMSprop (alpha 0.99, epsilon 1e-8)',
    smallModel: 'AdamW, betas 0.9 and 0.999',
    demo: 'AdamW, betas 0.9 and 0.98',
  },
  {
    field: 'learningRate',
    point: 'Learning rate',
    paper: '5e-7',
    releasedCode: '5e-7',
    smallModel: '1e-4, as adapters need',
    demo: '2e-4',
  },
  {
    field: 'warmupRatio',
    point: 'Schedule',
    paper: 'not stated (the script is used)',
    releasedCode: 'cosine, 10% warm-up, no weight decay',
    smallModel: 'cosine, 10% warm-up, no weight decay',
    demo: 'cosine, 10% warm-up, no weight decay',
  },
  { field: 'epochs', point: 'Epochs', paper: '1', releasedCode: '1', smallModel: '1', demo: '2' },
  {
    field: 'maxGradNorm',
    point: 'Gradient clipping',
    paper: 'not stated (1.0 used)',
    releasedCode: "not set, so the trainer's default of 1.0",
    smallModel: '1.0',
    demo: '1.0',
  },
  {
    field: 'ropeTheta',
    point: 'RoPE base of the policy',
    paper: '1e7 for all its models',
    releasedCode: 'an argument, 1e7 in the script; the reference keeps its own',
    smallModel: "the model's own",
    demo: "the model's own",
  },
  {
    field: 'turnsPerSample',
    point: 'Turns a document',
    paper: '4',
    releasedCode: 'at most 2 when the pairs are made, exactly 4 when they are tokenised',
    smallModel: 'up to 4',
    demo: 'up to 4',
  },
  {
    field: null,
    point: 'Multi-turn aggregation',
    paper: 'sums of probabilities over turns inside each logarithm, as printed in Eq. 13',
    releasedCode: 'sums of log-probabilities over turns (used here in every preset)',
    smallModel: 'sums of log-probabilities over turns',
    demo: 'sums of log-probabilities over turns',
  },
  {
    field: null,
    point: 'Decoding of the answers',
    paper: 'greedy',
    releasedCode: 'temperature 1.0, top-p 1.0, at most 1024 tokens',
    smallModel: 'greedy',
    demo: 'greedy, at most 14 tokens',
  },
  {
    field: null,
    point: 'Chunk size',
    paper: 'up to 32K tokens',
    releasedCode: '16,384 to 30,000 tokens',
    smallModel: 'what the model reads well',
    demo: 'whole sentences, at most 112 tokens',
  },
];
