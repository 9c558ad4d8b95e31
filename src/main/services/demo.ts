import { fileURLToPath } from 'node:url';
import type { JobProgress } from '../../shared/job-progress.ts';
import type { SynthesisCounts } from '../engine/protocol/jobs.ts';
import type { JobOptions } from './engine-client.ts';

/** The bundled demo: model, documents and question sets. */
export const demoFolder = fileURLToPath(new URL('../../../resources/demo', import.meta.url));

export interface DemoRequest {
  /** Folder of the workspace: new or empty. */
  readonly folder: string;
  readonly seed?: number;
  /** Also train SFT and DPO on the same pairs. */
  readonly compare?: boolean;
  /** CPU threads; left out: all cores. */
  readonly threads?: number;
}

/** One model's figures; shares are in [0, 1], NLL and KL in nats a token. */
export interface DemoFigures {
  readonly name: string;
  readonly short: number;
  readonly long: number;
  readonly closed: number;
  readonly ask: number;
  readonly textNll: number;
  /** Exact KL(model on the document || base on the chunk), over chosen answers; 0 = the base read the chunk. */
  readonly klChosen: number;
  readonly klRejected: number;
}

export interface DemoReport {
  readonly folder: string;
  readonly seed: number;
  readonly documents: number;
  readonly counts: SynthesisCounts;
  readonly figures: readonly DemoFigures[];
  readonly runs: readonly {
    readonly name: string;
    readonly runId: number;
    readonly steps: number;
    readonly tokens: number;
  }[];
  /** Wall time by phase, in order. */
  readonly phases: readonly { readonly name: string; readonly seconds: number }[];
  readonly seconds: number;
  /** Most memory held: engine process, this process. */
  readonly peakBytes: { readonly engine: number; readonly main: number };
  /** What the demo promises, and whether it held. */
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[];
}

export interface DemoOptions extends JobOptions {
  readonly onPhase?: ((name: string) => void) | undefined;
  readonly onFigures?: ((figures: DemoFigures) => void) | undefined;
  readonly onProgress?: ((progress: JobProgress) => void) | undefined;
}

/**
 * The whole of Longhand on a small world: import, generate, train, evaluate before and after.
 * Errors: `conflict` for a folder with other files, those of its parts.
 */
export async function runDemo(_request: DemoRequest, _options: DemoOptions = {}): Promise<DemoReport> {
  throw new Error('the demo is not written yet');
}
