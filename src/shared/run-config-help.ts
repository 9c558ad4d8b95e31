import type { FieldHelp } from './schema-fields.ts';

const objective = 'Objective:';
const schedule = 'Optimizer and schedule:';
const weights = 'What is trained:';
const data = 'Data:';
const keeping = 'Checkpoints and held-out evaluation:';
const machine = 'Machine:';

/** What each field of the run configuration means, with its unit, by path. */
export const runConfigHelp: Readonly<Record<string, FieldHelp>> = {
  objective: {
    group: objective,
    text: 'longpo, dpo (reference on the long input), sft (chosen answers), simpo, orpo, solopo or opsdl',
  },
  beta: {
    group: objective,
    text: 'strength of the constraint towards the reference; simpo: scale of its mean log-probabilities',
    default: '0.1, simpo 2; orpo and opsdl have none',
  },
  lambda: {
    group: objective,
    text: 'weight of the preference term',
    default: 'longpo 0.01, dpo 1, sft 0, simpo 1, orpo 0.1, solopo 1 (reward orpo: 0.1), opsdl 1',
  },
  nllDocument: {
    group: objective,
    text: 'weight of the mean NLL over the whole chosen sequence, in nats a token',
    default: 'longpo 1, others 0',
  },
  nllAnswers: {
    group: objective,
    text: "weight of the mean NLL over the chosen answers' tokens, in nats a token",
    default: 'sft 1, orpo 1, solopo with reward orpo 1, others 0',
  },
  gamma: {
    group: objective,
    text: 'simpo: margin that the chosen reward must be ahead by',
    default: 'half of beta',
  },
  reward: { group: objective, text: 'solopo: the reward that it is built on', default: 'dpo' },
  alpha: {
    group: objective,
    text: "solopo: weight of the distance between the chosen answer's rewards on the short and the long input",
    default: 'reward dpo 3, simpo 1, orpo 1',
  },
  maxNewTokens: { group: objective, text: 'opsdl: most tokens of an answer sampled on the long input', default: '512' },
  temperature: { group: objective, text: 'opsdl: temperature of that sampling; 0 = greedy', default: '1' },

  learningRate: { group: schedule, text: 'highest learning rate' },
  schedule: { group: schedule, text: 'what follows the warm-up' },
  warmupRatio: {
    group: schedule,
    text: 'warm-up as a share of all steps',
    default: '0.1, none where its steps are given',
  },
  warmupSteps: { group: schedule, text: 'warm-up in optimizer steps', default: 'none' },
  epochs: { group: schedule, text: 'passes over the data', default: '1, none where steps are given' },
  maxSteps: { group: schedule, text: 'length of the run in optimizer steps', default: 'none' },
  batchSize: { group: schedule, text: 'examples an optimizer step; their gradients are accumulated one by one' },
  'optimizer.kind': { group: schedule, text: 'optimizer' },
  'optimizer.beta1': { group: schedule, text: 'AdamW: decay rate of the first moment, a step', default: '0.9' },
  'optimizer.beta2': { group: schedule, text: 'AdamW: decay rate of the second moment, a step', default: '0.999' },
  'optimizer.alpha': { group: schedule, text: 'RMSprop: decay rate of the squared gradient, a step', default: '0.99' },
  'optimizer.eps': { group: schedule, text: 'added to the root of the second moment' },
  'optimizer.weightDecay': {
    group: schedule,
    text: 'weight decay: decoupled in AdamW, added to the gradient in RMSprop',
  },
  maxGradNorm: { group: schedule, text: 'gradients are scaled down to this L2 norm; none = no clipping' },
  seed: { group: schedule, text: 'seed of data order and start values' },

  'trainable.kind': { group: weights, text: 'all weights, or a LoRA adapter' },
  'trainable.rank': {
    group: weights,
    text: 'rank of the adapter',
    onCommandLine: 'this and every --lora flag means --trainable lora',
  },
  'trainable.alpha': { group: weights, text: 'scale of the adapter, divided by the rank' },
  'trainable.rslora': { group: weights, text: 'divide by the root of the rank instead (rsLoRA)' },
  'trainable.targets': {
    group: weights,
    text: 'layers, of q_proj,k_proj,v_proj,o_proj,gate_proj,up_proj,down_proj',
    default: 'all',
  },
  referenceRope: {
    group: objective,
    text: "dpo and solopo: whose RoPE base the reference reads the long input with: the policy's, so that rewards begin at zero, or the model's own",
    default: 'policy',
  },
  ropeTheta: { group: weights, text: "RoPE base of the policy; none = the model's own" },

  maxLength: { group: data, text: 'longest sequence in tokens; a longer example is refused, never cut' },
  turnsPerSample: { group: data, text: 'most turns (questions) an example', default: '4; solopo and opsdl 1' },
  heldOutFraction: { group: data, text: 'share of the documents kept out of training; 0 = none' },

  checkpointEvery: { group: keeping, text: 'optimizer steps between checkpoints; the last step always makes one' },
  keepCheckpoints: { group: keeping, text: 'latest checkpoints kept on disk' },
  evalEvery: { group: keeping, text: 'optimizer steps between evaluations on the held-out pairs' },

  baseBits: {
    group: machine,
    text: 'precision of the frozen weights: own, or 4 (a LoRA adapter on 4-bit weights: a quarter of the memory, less exact)',
  },
  gradientCheckpointing: { group: machine, text: 'recompute each layer in the backward pass to save memory' },
  segmentLayers: {
    group: machine,
    text: "layers that a step computes at a time, while what lies between waits in the computer's memory; 0 = all, or fewer where they do not fit",
  },
  device: { group: machine, text: 'where to compute' },
  threads: { group: machine, text: 'CPU threads; 0 = as many as there are cores' },
};
