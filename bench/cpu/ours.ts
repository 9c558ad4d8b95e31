import type { Checkpointing } from '../../src/main/engine/model/decoder.ts';
import { initialLora, type ParameterLayout } from '../../src/main/engine/model/parameters.ts';
import type { RopeTables } from '../../src/main/engine/model/rope.ts';
import { loadResidentModel, type ResidentModel } from '../../src/main/engine/resident/resident-model.ts';
import type { ResidentOptions } from '../../src/main/engine/resident/resident-options.ts';
import {
  positionsOf,
  type RopeFor,
  type ScoredExample,
  type TrainingExample,
} from '../../src/main/engine/training/example.ts';
import { sumTurns, type ObjectiveSettings } from '../../src/main/engine/training/objectives.ts';
import { ADAMW_DEFAULTS, createOptimizer, type Optimizer } from '../../src/main/engine/training/optimizer.ts';
import { scoreReferences } from '../../src/main/engine/training/reference.ts';
import { ropeForModel } from '../../src/main/engine/training/rope-for.ts';
import { applyStep, exampleGradient, GradientSum } from '../../src/main/engine/training/train-step.ts';

export type Trainable = 'full' | 'lora';

export const ALL_LINEARS = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'];
const LORA = { kind: 'lora', rank: 16, alpha: 32, rslora: false, targets: ALL_LINEARS } as const;

export function trainableOptions(kind: Trainable): ResidentOptions['trainable'] {
  return kind === 'full' ? { kind } : LORA;
}

/** An adapter in the middle of its training: A as PEFT starts it, B small instead of zero, so that all gradients flow. */
export function startAdapter(layout: ParameterLayout): Float32Array {
  const vector = initialLora(layout, 1);
  for (const { name, offset, size } of layout.tensors) {
    if (!name.includes('lora_B')) continue;
    for (let i = 0; i < size; i++) vector[offset + i] = 0.01 * Math.sin(i * 12.9898 + offset);
  }
  return vector;
}

export interface TrainerOptions {
  readonly modelDir: string;
  readonly trainable: Trainable;
  readonly checkpointing: Checkpointing;
  readonly threads: number;
  readonly example: TrainingExample;
  readonly profile?: string;
}

/** Every predicted token of the chosen sequence, nothing else: what `model(ids, labels=ids)` computes. */
const SINGLE: ObjectiveSettings = { objective: 'sft', beta: 0.1, lambda: 0, nllDocument: 1, nllAnswers: 0 };

/** Longhand's own training step at batch size 1: gradients, clipping, AdamW, with all that the trainer does around them. */
export class OurTrainer {
  readonly model: ResidentModel;
  readonly example: ScoredExample;
  readonly start: Float32Array;
  readonly #ropeFor: RopeFor;
  readonly #parameters: Float32Array;
  readonly #sum: GradientSum;
  #optimizer: Optimizer;

  private constructor(model: ResidentModel, example: ScoredExample, start: Float32Array, ropeFor: RopeFor) {
    this.model = model;
    this.example = example;
    this.start = start;
    this.#ropeFor = ropeFor;
    this.#parameters = start.slice();
    this.#sum = new GradientSum(start.length);
    this.#optimizer = createOptimizer(ADAMW_DEFAULTS, start.length);
  }

  static async load({
    modelDir,
    trainable,
    checkpointing,
    threads,
    example,
    profile,
  }: TrainerOptions): Promise<OurTrainer> {
    const model = await loadResidentModel(modelDir, {
      device: 'cpu',
      threads,
      trainable: trainableOptions(trainable),
      checkpointing,
      programs: ['score', 'gradients'],
      ...(profile === undefined ? {} : { profile }),
    });
    const ropeFor = ropeForModel(model.config, null);
    const noCache = { get: async () => undefined, set: async () => undefined };
    const reference = { fingerprint: '', rope: model.config.rope, ropeFor };
    const [scored] = await scoreReferences(model, [example], reference, noCache, {
      contexts: { short: true, long: false },
    });
    if (scored === undefined) throw new Error('one example');
    const start = trainable === 'full' ? await model.initialParameters(0) : startAdapter(model.layout);
    return new OurTrainer(model, scored, start, ropeFor);
  }

  /** Reference sums [chosen, rejected] on the short contexts. */
  get referenceSums(): [number, number] {
    const { short } = this.example.reference;
    if (short === undefined) throw new Error('scored when loaded');
    return [sumTurns(short.chosen), sumTurns(short.rejected)];
  }

  get rope(): RopeTables {
    return this.#ropeFor(positionsOf(this.example.tree));
  }

  reset(): void {
    this.#parameters.set(this.start);
    this.#optimizer = createOptimizer(ADAMW_DEFAULTS, this.start.length);
  }

  /** One step; the loss is the one before the update. `pair` is the packed pair under an objective. */
  async step(
    what: 'single' | ObjectiveSettings,
    learningRate: number,
  ): Promise<{ milliseconds: number; loss: number }> {
    const start = performance.now();
    const settings = what === 'single' ? SINGLE : what;
    const result = await exampleGradient(this.model, this.example, settings, this.#parameters, this.#ropeFor);
    this.#sum.add(result, this.example, this.#optimizer.step + 1);
    applyStep(this.#sum, this.#parameters, this.#optimizer, learningRate, 1);
    return { milliseconds: performance.now() - start, loss: result.loss };
  }

  release(): Promise<void> {
    return this.model.release();
  }
}

/** As the product loads a model that only generates. */
const FROZEN = { kind: 'lora', rank: 1, alpha: 1, rslora: false, targets: ['q_proj'] } as const;

export class OurGenerator {
  readonly #model: ResidentModel;
  readonly #parameters: Float32Array;
  readonly #rope: RopeTables;

  private constructor(model: ResidentModel, parameters: Float32Array, rope: RopeTables) {
    this.#model = model;
    this.#parameters = parameters;
    this.#rope = rope;
  }

  static async load(modelDir: string, threads: number, positions: number, profile?: string): Promise<OurGenerator> {
    const model = await loadResidentModel(modelDir, {
      device: 'cpu',
      threads,
      trainable: FROZEN,
      programs: ['generate'],
      ...(profile === undefined ? {} : { profile }),
    });
    return new OurGenerator(model, await model.referenceParameters(), ropeForModel(model.config, null)(positions));
  }

  async generate(
    prefix: Int32Array,
    prompts: readonly Int32Array[],
    maxNewTokens: number,
  ): Promise<{ milliseconds: number; tokens: readonly Int32Array[] }> {
    const start = performance.now();
    const { tokens } = await this.#model.generate(
      { prefix, prompts, maxNewTokens, temperature: 0, topK: 0, topP: 1, uniforms: new Float32Array(), stopIds: [] },
      { parameters: this.#parameters, rope: this.#rope },
    );
    return { milliseconds: performance.now() - start, tokens };
  }

  endProfiling(): void {
    this.#model.endProfiling();
  }

  release(): Promise<void> {
    return this.#model.release();
  }
}
