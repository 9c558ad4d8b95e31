import { availableParallelism } from 'node:os';
import type { Checkpointing } from '../model/decoder.ts';
import type { ParameterLayout } from '../model/parameters.ts';
import { weightsFingerprint } from '../model/weights.ts';
import type { Execution } from '../protocol/jobs.ts';
import type { JobProgress } from '../../../shared/job-progress.ts';
import type { BaseBits, Trainable } from '../../../shared/run-config.ts';
import { INT4_NAME } from '../model/int4-weights.ts';
import { paced } from './job-context.ts';
import { weightCacheFolder } from './weight-cache.ts';
import type { Program } from '../resident/resident-graph.ts';
import { loadResidentModel } from '../resident/resident-model.ts';
import type { ResidentModel } from '../resident/resident-model.ts';

export interface ModelRequest extends Execution {
  readonly modelDir: string;
  /** What the parameter vector holds; `frozen`: nothing that is trained. */
  readonly trainable:
    Trainable | { readonly kind: 'layout'; readonly layout: ParameterLayout } | { readonly kind: 'frozen' };
  readonly programs: readonly Program[];
  readonly checkpointing?: Checkpointing;
  /** Layers in one run of a gradient step; 0 or left out, all. */
  readonly segmentLayers?: number;
  /** What to take of the card's memory before the first step, see reserveBytes. */
  readonly reserveBytes?: number;
  /** Stops a conversion of the weights. */
  readonly signal?: AbortSignal;
  /** Hears how far a conversion of the weights is (phase `convert`). */
  readonly progress?: (progress: JobProgress) => void;
}

/** A resident graph needs some trainable vector; this one is small, zero and adds nothing. */
const FROZEN = { kind: 'lora', rank: 1, alpha: 1, rslora: false, targets: ['q_proj'] } as const;

/** Keeps the one model that is loaded, for the jobs that follow; another one takes its place. */
export class ModelHolder {
  #key = '';
  #programs: readonly Program[] = [];
  #reserved = 0;
  #model: ResidentModel | undefined;

  /** The model as asked for; loaded anew unless the one at hand is the same and has the programs. */
  async get(request: ModelRequest): Promise<ResidentModel> {
    const { modelDir, device, trainable, programs } = request;
    const threads = threadsOf(request);
    const checkpointing = request.checkpointing ?? 'none';
    const hasGradients = programs.includes('gradients');
    const fingerprint = await weightsFingerprint(modelDir);
    const int4 = request.baseBits === '4';
    const segmentLayers = request.segmentLayers ?? 0;
    const key = JSON.stringify([
      modelDir,
      int4,
      fingerprint,
      device,
      threads,
      trainable,
      hasGradients ? [checkpointing, segmentLayers] : null,
    ]);
    const { reserveBytes = 0 } = request;
    const has =
      key === this.#key &&
      reserveBytes <= this.#reserved &&
      programs.every((program) => this.#programs.includes(program));
    if (this.#model !== undefined && has) return this.#model;
    await this.release();
    const model = await loadResidentModel(modelDir, {
      device,
      threads,
      checkpointing,
      programs,
      ...(segmentLayers === 0 ? {} : { segmentLayers }),
      reserveBytes,
      trainable: trainable.kind === 'frozen' ? FROZEN : trainable,
      ...(int4 ? { int4Folder: weightCacheFolder() } : {}),
      ...(request.signal === undefined ? {} : { signal: request.signal }),
      ...(request.progress === undefined
        ? {}
        : { onConversion: paced({ progress: request.progress }, 'convert', 'layers to 4 bits') }),
    });
    this.#model = model;
    this.#key = key;
    this.#programs = programs;
    this.#reserved = reserveBytes;
    return model;
  }

  async release(): Promise<void> {
    const model = this.#model;
    this.#model = undefined;
    this.#key = '';
    await model?.release();
  }
}

/**
 * What the frozen model is called where its log-probabilities are kept: those of 4-bit weights are not those of the
 * model's own.
 */
export function frozenName(fingerprint: string, bits: BaseBits | undefined): string {
  return bits === '4' ? `${fingerprint}+${INT4_NAME}` : fingerprint;
}

/** Number of threads; sums are made in an order that depends on it, so a run keeps to one number. */
export function threadsOf({ threads }: Execution): number {
  return threads === 0 ? availableParallelism() : threads;
}
