import type { PairScore } from '../../../shared/audit/queue.ts';
import type { ItemDocument, TaskSize } from '../../../shared/api/evaluations.ts';
import type { DryRunReport } from '../../../shared/api/runs.ts';
import type { NewChunk } from '../../../shared/documents.ts';
import type { NewEvaluationItem } from '../../../shared/evaluations.ts';
import type { Comparison, EvaluationTask } from '../../../shared/evaluation-tasks.ts';
import type { MetricRow } from '../../../shared/metrics.ts';
import type { ModelReport } from '../../../shared/model-report.ts';
import type { Sample } from '../../../shared/pairs.ts';
import type { BaseBits, RunConfig, Trainable } from '../../../shared/run-config.ts';
import type { PairLogps } from '../../../shared/runs.ts';
import type { SynthesisConfig } from '../../../shared/synthesis-config.ts';

/** Where and how a model runs. */
export interface Execution {
  readonly device: 'cpu' | 'cuda';
  /** CPU threads; 0 = as many as there are cores. */
  readonly threads: number;
  /** Default: the model's own precision. */
  readonly baseBits?: BaseBits;
}

/** Whose weights a model runs with. */
export type WeightSource =
  | { readonly kind: 'base' }
  /** A PEFT LoRA folder. */
  | { readonly kind: 'adapter'; readonly dir: string }
  /** A checkpoint of a run on this model. */
  | { readonly kind: 'checkpoint'; readonly path: string; readonly trainable: Trainable };

/** All jobs of the engine: what goes in, what they report on the way (each event is answered), what comes out. */
export interface Jobs {
  inspectModel: { input: { readonly modelDir: string }; events: never; result: ModelReport };
  countTokens: { input: CountTokensInput; events: CountTokensEvent; result: { readonly counted: number } };
  generate: { input: GenerateInput; events: GenerateEvent; result: SynthesisCounts };
  scorePairs: { input: ScorePairsInput; events: ScorePairsEvent; result: { readonly pairs: number } };
  prepareTraining: { input: PrepareTrainingInput; events: SampleRequest; result: TrainingPlan };
  dryRun: { input: PrepareTrainingInput; events: SampleRequest; result: DryRunReport };
  train: { input: TrainInput; events: TrainJobEvent; result: TrainJobResult };
  evaluate: { input: EvaluateInput; events: EvaluateEvent; result: { readonly tasks: number } };
  checkTask: { input: { readonly modelDir: string; readonly task: EvaluationTask }; events: never; result: TaskSize };
  itemDocument: { input: ItemDocumentInput; events: never; result: ItemDocument };
  compare: { input: CompareInput; events: never; result: Comparison };
  exportAdapter: { input: ExportAdapterInput; events: never; result: { readonly dir: string } };
  exportMerged: { input: ExportMergedInput; events: never; result: { readonly dir: string } };
  golden: { input: GoldenInput; events: GoldenEvent; result: GoldenResult };
  selfTest: { input: SelfTestInput; events: never; result: SelfTestReport };
}
export type JobKind = keyof Jobs;

/** What main answers to an event: void, unless the event asks for something. */
export type ReplyTo<Event> = Event extends { readonly type: infer Type }
  ? Type extends keyof Replies
    ? Replies[Type]
    : undefined
  : never;

interface Replies {
  readDocument: { readonly text: string };
  readSample: Sample;
  findReferences: readonly (ReferenceTurns | null)[];
}

// Counting

export interface CountTokensInput {
  readonly modelDir: string;
  readonly documentIds: readonly number[];
}

export type CountTokensEvent =
  | ReadDocument
  | { readonly type: 'counted'; readonly rows: readonly { readonly id: number; readonly tokens: number }[] };

export interface ReadDocument {
  readonly type: 'readDocument';
  readonly id: number;
}

// Generating

export interface GenerateInput extends Execution {
  readonly modelDir: string;
  readonly config: SynthesisConfig;
  /** In the order in which they were chosen; groups of neighbours are batched together. */
  readonly documents: readonly { readonly id: number; readonly markdown: boolean }[];
  /** What an earlier, interrupted job with the same documents and configuration has stored. */
  readonly finished: readonly number[];
  readonly counts: SynthesisCounts;
}

export type GenerateEvent = ReadDocument | { readonly type: 'document'; readonly result: DocumentOutcome };

/** What was made and left out so far; `dropped` counts by reason. */
export interface SynthesisCounts {
  readonly documents: number;
  readonly chunks: number;
  readonly questions: number;
  readonly pairs: number;
  readonly identical: number;
  readonly dropped: Readonly<Record<string, number>>;
}

/** One document's pairs and what was left out of it. */
export interface DocumentOutcome {
  readonly documentId: number;
  readonly chunks: readonly NewChunk[];
  readonly pairs: readonly GeneratedPair[];
  readonly dropped: readonly { readonly reason: string; readonly [field: string]: unknown }[];
  readonly counts: SynthesisCounts;
}

export interface GeneratedPair {
  /** The chunk's place in the document, see `DocumentOutcome.chunks`. */
  readonly chunk: number;
  readonly question: string;
  readonly chosen: string;
  readonly rejected: string;
  readonly flags: readonly string[];
}

// Scoring

export interface ScorePairsInput extends Omit<Execution, 'baseBits'> {
  readonly modelDir: string;
  readonly modelFingerprint: string;
  /** They are asked for as the set `train`, and only their turns are read. */
  readonly samples: number;
}

export type ScorePairsEvent =
  | SampleRequest
  | ReferenceEvent
  /** One sample's pairs; what they are made of is in the store of references already. */
  | { readonly type: 'pairScores'; readonly rows: readonly PairScore[] };

// Training

/** Asks for one of the samples named in a job's input. */
export interface SampleRequest {
  readonly type: 'readSample';
  readonly set: 'train' | 'heldOut';
  readonly index: number;
}

export interface PrepareTrainingInput {
  readonly modelDir: string;
  readonly config: RunConfig;
  /** Document of each sample of the set `train`. */
  readonly documents: readonly number[];
}

/** How a run would be made of the samples; made before the run, so that nothing is stored when it cannot be. */
export interface TrainingPlan {
  /** Documents kept out of training. */
  readonly heldOut: readonly number[];
  readonly examples: number;
  readonly heldOutExamples: number;
  readonly steps: number;
  readonly longestTokens: number;
  /** Tokens that the policy reads in one epoch: packed, and as separate sequences. */
  readonly packedTokens: number;
  readonly unpackedTokens: number;
}

export type { DryRunReport };

export interface TrainInput {
  readonly modelDir: string;
  readonly modelFingerprint: string;
  readonly config: RunConfig;
  readonly samples: number;
  readonly heldOutSamples: number;
  readonly checkpointDir: string;
  readonly resume: boolean;
  /** Checkpoint of another run that this one goes on from, with that run's configuration; null = from the model. */
  readonly parent: { readonly checkpoint: string; readonly config: RunConfig } | null;
  readonly codeVersion: string;
}

/** Log-probabilities of the answers' tokens of one row: one list a turn, in nats. */
export interface ReferenceTurns {
  readonly chosen: readonly (readonly number[])[];
  readonly rejected: readonly (readonly number[])[];
}

/** Asks for stored log-probabilities (null where there are none); hands over new ones. */
export type ReferenceEvent =
  | { readonly type: 'findReferences'; readonly keys: readonly ReferenceName[] }
  | { readonly type: 'references'; readonly rows: readonly (ReferenceName & ReferenceTurns)[] };

export type TrainJobEvent =
  | SampleRequest
  | ReferenceEvent
  /** The run stands at `step`: rows after it will come (again). */
  | {
      readonly type: 'trainingStarted';
      readonly step: number;
      readonly totalSteps: number;
      readonly checkpoint: string | null;
    }
  /** A step's metrics, and what it found of the pairs that it read. */
  | { readonly type: 'metrics'; readonly rows: readonly MetricRow[]; readonly pairs: readonly PairLogps[] }
  | { readonly type: 'checkpoint'; readonly step: number; readonly path: string };

/** Key of stored reference log-probabilities. */
export interface ReferenceName {
  readonly modelFingerprint: string;
  readonly rope: string;
  readonly text: string;
}

export interface TrainJobResult {
  /** `stopped`: paused by the user; it can go on. */
  readonly status: 'completed' | 'stopped';
  readonly step: number;
  readonly checkpoint: string | null;
  readonly seconds: { readonly load: number; readonly reference: number; readonly train: number };
}

// Evaluating

export interface EvaluateInput extends Execution {
  readonly modelDir: string;
  readonly weights: WeightSource;
  /** RoPE base of the policy; null = the model's own. */
  readonly ropeTheta: number | null;
  readonly tasks: readonly EvaluationTask[];
  /** Number of samples that each task reads: those of all tasks are asked for by one running index. */
  readonly samples: readonly number[];
  /** Items of each task that an earlier try stored: they are not asked again. */
  readonly answered: readonly (readonly NewEvaluationItem[])[];
  /** Settings of the objective for the losses of the `kl` tasks. */
  readonly config: RunConfig;
}

export type EvaluateEvent =
  | SampleRequest
  | ReferenceEvent
  /** Model and sets are read and can be used. For each task whether its judge has the model's weights; null: no judge. */
  | { readonly type: 'ready'; readonly selfJudged: readonly (boolean | null)[] }
  | { readonly type: 'items'; readonly task: number; readonly items: readonly NewEvaluationItem[] }
  | {
      readonly type: 'taskFinished';
      readonly task: number;
      readonly summary: Readonly<Record<string, number>>;
      readonly effort: TaskEffort;
    };

/** What a task took in this job, without loading models. */
export interface TaskEffort {
  readonly seconds: number;
  /** Tokens that the evaluated model read (prompts whole, also what several share) and wrote; not those of a judge. */
  readonly read: number;
  readonly written: number;
}

export interface ItemDocumentInput {
  readonly modelDir: string;
  readonly task: EvaluationTask;
  readonly index: number;
}

export interface CompareInput {
  readonly models: readonly { readonly name: string; readonly values: readonly (number | null)[] }[];
  readonly higherIsBetter: boolean;
}

// Exporting

interface ExportInput {
  readonly modelDir: string;
  readonly checkpoint: string;
  readonly trainable: Trainable;
  /** Folder to write. */
  readonly dir: string;
}

export interface ExportAdapterInput extends ExportInput {
  /** How adapter_config.json names the base model. */
  readonly baseModel: string;
  /** Precision of the base that the adapter was trained on; the adapter's file says so. */
  readonly baseBits: BaseBits;
}

export interface ExportMergedInput extends ExportInput {
  readonly dtype: 'keep' | 'float32' | 'bfloat16' | 'float16';
  readonly ropeTheta: number | null;
  /** How much of what was learned goes in: 1 = the trained model, 0 = the base. */
  readonly scale: number;
}

// Checking

export interface GoldenInput extends Execution {
  readonly dirs: readonly string[];
  /** Folder of the real model that the `smollm2` case needs; null = that case is skipped. */
  readonly realModelDir: string | null;
}

export interface GoldenCase {
  /** Path of the case below the folder that was asked for: `longpo/llama-full`. */
  readonly name: string;
  readonly folder: string;
  readonly status: 'passed' | 'failed' | 'skipped';
  readonly problem?: string;
  readonly seconds: number;
  readonly quantities: readonly {
    readonly name: string;
    readonly error: number;
    readonly tolerance: number;
    readonly count: number;
    readonly ok: boolean;
    readonly detail?: string;
  }[];
  readonly warnings: readonly string[];
}
export type GoldenEvent = { readonly type: 'case'; readonly report: GoldenCase };

export interface GoldenResult {
  readonly cases: readonly GoldenCase[];
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface SelfTestInput extends Execution {
  /** A small model to try things on. */
  readonly modelDir: string;
}

export interface SelfTestReport {
  readonly device: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly checks: readonly {
    readonly name: string;
    readonly ok: boolean;
    readonly detail: string;
    readonly seconds: number;
  }[];
  readonly ok: boolean;
}
