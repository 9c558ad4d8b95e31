import { z } from 'zod';
import type { EvaluationTask } from './evaluation-tasks.ts';
import { idSchema, sha256Schema } from './documents.ts';
import { jobStatusSchema } from './runs.ts';

const jsonSchema = z.json();

export const newEvaluationSchema = z.strictObject({
  /** The set of questions or the generated task. */
  setName: z.string().min(1),
  setSha256: sha256Schema,
  /** Task family, such as `needle`, `multiple_choice`, `closed_book` or `questions`. */
  kind: z.string().min(1),
  modelFingerprint: z.string().min(1),
  /** Run and checkpoint whose weights are measured; null = the model as it is. */
  runId: idSchema.nullable().default(null),
  checkpointId: idSchema.nullable().default(null),
  config: jsonSchema,
  codeVersion: z.string().min(1),
  seed: z.int().min(0),
});
export type NewEvaluation = z.input<typeof newEvaluationSchema>;

export const evaluationRowSchema = z.strictObject({
  ...newEvaluationSchema.shape,
  runId: idSchema.nullable(),
  checkpointId: idSchema.nullable(),
  id: idSchema,
  status: jobStatusSchema,
  /** Scores of the whole set by name; null until it is finished. */
  summary: z.record(z.string(), z.number()).nullable(),
  items: z.int(),
  createdAt: z.int(),
  endedAt: z.int().nullable(),
  error: z.string().nullable(),
});
export type EvaluationRow = z.infer<typeof evaluationRowSchema>;

/** What an evaluation that was done in one go took. */
export const evaluationEffortSchema = z.strictObject({
  /** What the time belongs to: the machine with its processor or card. */
  machine: z.string().min(1),
  /** Without loading models. */
  seconds: z.number().positive(),
  /** Items that were asked: without those that were too long. */
  items: z.int().min(0),
  /** Tokens that the evaluated model read and wrote. */
  read: z.int().min(0),
  written: z.int().min(0),
});
export type EvaluationEffort = z.infer<typeof evaluationEffortSchema>;

/** The effort of an earlier evaluation, with what was asked. */
export interface EarlierEffort extends EvaluationEffort {
  readonly id: number;
  readonly setSha256: string;
  readonly task: EvaluationTask;
}

/** Who rated the answers of an evaluation of kind `judged`. */
export const judgeSchema = z.object({
  /** Its folder's name. */
  name: z.string(),
  fingerprint: z.string(),
  /** Judge and judged model have the same base weights: such ratings flatter. */
  selfJudged: z.boolean(),
});
export type Judge = z.infer<typeof judgeSchema>;

/** The judge of an evaluation; null for those without one. */
export function judgeOf({ config }: Pick<EvaluationRow, 'config'>): Judge | null {
  return z.object({ judge: judgeSchema }).safeParse(config).data?.judge ?? null;
}

/** One item's answer. `score` is in [0, 1], but for `judged` the rating, for losses the loss; `detail` holds what the kind needs (depth, length, choices' log-probs). */
export const evaluationItemSchema = z.strictObject({
  index: z.int().min(0),
  question: z.string(),
  expected: z.string(),
  answer: z.string(),
  score: z.number(),
  detail: jsonSchema.default(null),
});
export type NewEvaluationItem = z.input<typeof evaluationItemSchema>;
export type EvaluationItem = z.output<typeof evaluationItemSchema>;

/** An item that did not fit into the model, or that its judge did not rate, has no score. */
export function hasScore({ detail }: Pick<EvaluationItem, 'detail'>): boolean {
  if (typeof detail !== 'object' || detail === null || Array.isArray(detail)) return true;
  return detail['finish'] !== 'too_long' && detail['rating'] !== null;
}

/** Whether an answer is stored that a judge has still to rate. */
export function waitsForJudge(item: Pick<NewEvaluationItem, 'detail'> | undefined): boolean {
  return z.object({ pending: z.literal(true) }).safeParse(item?.detail).success;
}
