import { z } from 'zod';
import { idSchema } from '../documents.ts';
import type { MemoryPart } from '../memory-plan.ts';
import type { MetricCurve, MetricRow } from '../metrics.ts';
import { pairSelectionSchema } from '../pair-selection.ts';
import { pageRequestSchema } from '../paging.ts';
import type { Page } from '../paging.ts';
import type { RunConfig, RunConfigInput } from '../run-config.ts';
import type { CheckpointRow, RunRow } from '../runs.ts';
import { method } from './method.ts';

/** A configuration as the user has it: checked by the run configuration's own schema, which names the field. */
const configInput = z.custom<RunConfigInput>(
  (value) => typeof value === 'object' && value !== null,
  'must be an object',
);

const request = z.strictObject({
  modelDir: z.string().trim().min(1, 'choose a model'),
  config: configInput,
  selection: pairSelectionSchema.prefault({}),
  name: z.string().trim().min(1).optional(),
});

/** What a run would be made of. */
export interface RunPlanView {
  readonly config: RunConfig;
  readonly examples: number;
  readonly heldOutExamples: number;
  readonly pairs: number;
  readonly steps: number;
  readonly warmupSteps: number;
  /** Policy tokens of one pass over the data, and of the longest example. */
  readonly tokens: number;
  readonly longestTokens: number;
  /** Predicted peak of memory in bytes for the longest example, its parts, and what the machine or the card has free. */
  readonly memoryBytes: number;
  readonly memoryParts: readonly MemoryPart[];
  readonly memoryAvailable: number;
  /** Layers in one run of a step, and what of the computer's memory that takes; null and 0 for one run. */
  readonly segmentLayers: number | null;
  readonly hostBytes: number;
  readonly hostAvailable: number;
  /** Tokens of the longest example that would fit into that. */
  readonly longestThatFits: number;
  readonly verdict: 'fits' | 'tight' | 'does_not_fit';
  /** What to change where it is not `fits`. */
  readonly advice: string | null;
}

/** What a dry run measured on the longest example and on one of median length, and what follows for the whole run. */
export interface DryRunReport {
  readonly longest: {
    readonly document: string;
    readonly tokens: number;
    /** Forward and backward. */
    readonly seconds: number;
    readonly loss: number;
  };
  readonly median: { readonly tokens: number; readonly seconds: number };
  readonly loadSeconds: number;
  /** Predicted for scoring the reference once on all examples. */
  readonly referenceSeconds: number;
  /** Predicted mean of an optimizer step. */
  readonly stepSeconds: number;
  readonly steps: number;
  /** Predicted for the run, evaluations on held-out pairs and checkpoints left out. */
  readonly totalSeconds: number;
}

export interface DryRunView extends DryRunReport {
  /** Most memory that the engine's process held. */
  readonly peakBytes: number;
}

export interface RunView {
  readonly run: RunRow;
  readonly config: RunConfig;
  readonly checkpoints: readonly CheckpointRow[];
  readonly modelPath: string | null;
  /** The run and step that it goes on from. */
  readonly parent: { readonly runId: number; readonly step: number } | null;
}

/** Metrics that were added after the cursor. `reset`: the run was cut back, so forget what you have. */
export interface MetricsView {
  readonly rows: readonly MetricRow[];
  readonly cursor: string;
  readonly reset: boolean;
  readonly more: boolean;
}

/** A run at a glance: some hundred values of each metric (the extremes of every stretch), and where to read on. */
export interface MetricsOverviewView {
  readonly curves: readonly MetricCurve[];
  readonly cursor: string;
}

export const runMethods = {
  'runs.list': method<Page<RunRow>>()(pageRequestSchema.extend({ archived: z.boolean().default(false) })),
  'runs.get': method<RunView>()(z.strictObject({ id: idSchema })),
  'runs.overview': method<MetricsOverviewView>()(z.strictObject({ id: idSchema })),
  'runs.metrics': method<MetricsView>()(z.strictObject({ id: idSchema, cursor: z.string().nullable().default(null) })),
  /** The configuration with every default filled in. */
  'runs.config': method<RunConfig>()(z.strictObject({ config: configInput })),
  'runs.plan': method<RunPlanView>()(request),
  /** Tries the run on its longest example as a job; its result is a `DryRunView`. */
  'runs.dryRun': method<{ readonly jobId: number }>()(request),
  'runs.start': method<{ readonly jobId: number }>()(request),
  /** A new run from a checkpoint of another, with changes over that run's configuration. */
  'runs.continueFrom': method<{ readonly jobId: number }>()(
    z.strictObject({
      runId: idSchema,
      checkpointId: idSchema,
      config: configInput.optional(),
      name: z.string().trim().min(1).optional(),
    }),
  ),
  'runs.resume': method<{ readonly jobId: number }>()(z.strictObject({ id: idSchema })),
  'runs.cancel': method<RunRow>()(z.strictObject({ id: idSchema })),
  'runs.rename': method<RunRow>()(z.strictObject({ id: idSchema, name: z.string().trim().min(1) })),
  'runs.setArchived': method<null>()(z.strictObject({ id: idSchema, archived: z.boolean() })),
  'runs.setPinned': method<null>()(z.strictObject({ checkpointId: idSchema, pinned: z.boolean() })),
};
