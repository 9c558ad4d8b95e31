import { z } from 'zod';
import type { SampleTurn } from './pairs.ts';
import { idSchema, sha256Schema } from './documents.ts';
import { objectives, runConfigSchema } from './run-config.ts';

export const jobStatuses = ['queued', 'running', 'paused', 'finished', 'failed', 'cancelled'] as const;
export const jobStatusSchema = z.enum(jobStatuses);
export type JobStatus = z.infer<typeof jobStatusSchema>;

/** The states that a job (a run, a generation, an evaluation) may go to. Finished and cancelled jobs are final. */
export const nextStatuses: Readonly<Record<JobStatus, readonly JobStatus[]>> = {
  queued: ['running', 'cancelled', 'failed'],
  running: ['paused', 'finished', 'failed', 'cancelled'],
  paused: ['queued', 'running', 'cancelled', 'failed'],
  finished: [],
  failed: ['queued', 'running', 'cancelled'],
  cancelled: [],
};

/**
 * One entry of a run's data: a pair in one revision (0 = as generated, else the review whose edit is in force), with its
 * answers exchanged where a reviewer found the rejected one better.
 */
export const snapshotPairSchema = z.strictObject({
  pairId: idSchema,
  revision: z.int().min(0),
  swapped: z.literal(true).optional(),
});
export type SnapshotPair = z.infer<typeof snapshotPairSchema>;

/** The pairs of a sample as a snapshot names them. */
export function snapshotOf(turns: readonly SampleTurn[]): SnapshotPair[] {
  return turns.map(({ pairId, revision, swapped }) => ({ pairId, revision, ...(swapped ? { swapped } : {}) }));
}

export const newRunSchema = z.strictObject({
  name: z.string().trim().min(1),
  config: runConfigSchema,
  modelFingerprint: z.string().min(1),
  /** Version of Longhand (and commit, where known) that runs it. */
  codeVersion: z.string().min(1),
  /** Training pairs in their order. */
  pairs: z.array(snapshotPairSchema).min(1),
  heldOut: z.array(snapshotPairSchema).default([]),
  /** Run and checkpoint that this one goes on from. */
  parentRunId: idSchema.nullable().default(null),
  parentCheckpointId: idSchema.nullable().default(null),
});
export type NewRun = z.input<typeof newRunSchema>;

/** A run as lists show it. */
export const runRowSchema = z.strictObject({
  id: idSchema,
  name: z.string(),
  status: jobStatusSchema,
  objective: z.enum(objectives),
  modelFingerprint: z.string(),
  codeVersion: z.string(),
  seed: z.int(),
  /** Hash over the content of all pairs in order, training and held out. */
  dataSha256: sha256Schema,
  pairCount: z.int(),
  heldOutCount: z.int(),
  parentRunId: idSchema.nullable(),
  parentCheckpointId: idSchema.nullable(),
  createdAt: z.int(),
  startedAt: z.int().nullable(),
  /** When it finished, failed or was cancelled. */
  endedAt: z.int().nullable(),
  /** Last step with a metric; null = none yet. */
  lastStep: z.int().nullable(),
  error: z.string().nullable(),
  archivedAt: z.int().nullable(),
});
export type RunRow = z.infer<typeof runRowSchema>;

/** Log-probabilities of one pair's answers in a run, summed over their tokens, in nats. */
export interface PairLogps {
  readonly pairId: number;
  /** Optimizer steps that the policy had behind it. */
  readonly step: number;
  /** The policy on the long input. */
  readonly policyChosen: number;
  readonly policyRejected: number;
  /** The frozen start model: on the short input, for DPO on the long one. */
  readonly referenceChosen: number;
  readonly referenceRejected: number;
}

/** File in a checkpoint's folder that keeps it from being thinned out. */
export const keptMark = 'kept';

/** A checkpoint folder. `removedAt` is set once its files were thinned out; the row stays. */
export const checkpointRowSchema = z.strictObject({
  id: idSchema,
  runId: idSchema,
  step: z.int().min(0),
  /** Relative to the workspace where it lies inside. */
  path: z.string().min(1),
  bytes: z.int().min(0),
  /** A person asked to keep it: it is never thinned out. */
  pinned: z.boolean(),
  createdAt: z.int(),
  removedAt: z.int().nullable(),
});
export type CheckpointRow = z.infer<typeof checkpointRowSchema>;
