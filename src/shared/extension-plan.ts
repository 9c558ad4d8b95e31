import { z } from 'zod';
import { idSchema } from './documents.ts';
import { evaluationTaskSchema } from './evaluation-tasks.ts';
import { parseInput } from './parse.ts';
import { presets } from './presets.ts';
import { runConfigSchema } from './run-config.ts';
import { jobStatusSchema } from './runs.ts';
import { synthesisConfigSchema } from './synthesis-config.ts';

const stageSchema = z.strictObject({
  /** Longest example in tokens: the run's maxLength. A longer document is refused, never cut. */
  length: z.int().min(2),
  /** RoPE base of the stage's policy, which its model keeps; null = that of the model before. */
  ropeTheta: z.number().positive().nullable().default(null),
  /** Documents that the stage's pairs are made from; null = all that are not archived. */
  documentIds: z.array(idSchema).min(1).nullable().default(null),
  /** How the model before makes the pairs. */
  synthesis: synthesisConfigSchema.prefault({}),
  /** The stage's run; its length and RoPE base are the stage's. */
  train: z
    .custom<Record<string, unknown>>((value) => typeof value === 'object' && value !== null, 'must be an object')
    .default({}),
  /** What the trained model is measured on. */
  evaluations: z.array(evaluationTaskSchema).default([]),
});

/**
 * The length-extension loop (LongPO, arXiv 2502.13922, section 4): each stage makes its pairs with the model of the stage
 * before, trains on them with that model as the reference, and leaves a model folder of its own for the next one.
 */
export const extensionPlanSchema = z
  .strictObject({
    name: z.string().trim().min(1).default('Extension'),
    /** Hugging Face folder that the first stage begins with. */
    modelDir: z.string().trim().min(1, 'name the folder of the model'),
    stages: z.array(stageSchema).min(1),
    /** Type of the weights that a stage leaves: `keep` rounds to the model's own. */
    dtype: z.enum(['keep', 'float32', 'bfloat16', 'float16']).default('keep'),
    device: z.enum(['cpu', 'cuda']).default('cpu'),
    threads: z.int().min(0).default(0),
  })
  .transform((plan, context) => {
    const { device, threads } = plan;
    const stages = plan.stages.map(({ train, ...stage }, i) => {
      const at = ['stages', i] as const;
      const own = ['maxLength', 'ropeTheta', 'device', 'threads'].find((field) => Object.hasOwn(train, field));
      if (own !== undefined) {
        const where = own === 'device' || own === 'threads' ? 'the plan' : 'the stage';
        context.addIssue({
          code: 'custom',
          path: [...at, 'train', own],
          message: `is a field of ${where}, set it there`,
        });
      }
      const before = plan.stages[i - 1];
      if (before !== undefined && before.length > stage.length) {
        context.addIssue({ code: 'custom', path: [...at, 'length'], message: 'is less than that of the stage before' });
      }
      const of = { maxLength: stage.length, ropeTheta: stage.ropeTheta, device, threads };
      const config = runConfigSchema.safeParse({ ...train, ...of });
      for (const issue of config.error?.issues ?? []) {
        context.addIssue({ code: 'custom', path: [...at, 'train', ...issue.path], message: issue.message });
      }
      return { ...stage, train };
    });
    return { ...plan, stages };
  });

/** What a person or a file may write: everything but the model and the stages' lengths is optional. */
export type ExtensionPlanInput = z.input<typeof extensionPlanSchema>;
export type ExtensionPlan = z.output<typeof extensionPlanSchema>;

/** Checks a plan and fills in its defaults. Errors: `invalid_input` naming the field (and `file`). */
export function parseExtensionPlan(value: unknown, file?: string): ExtensionPlan {
  return parseInput(extensionPlanSchema, value, 'Extension plan', file);
}

const paperStages = <Train extends Record<string, unknown>>(train: Train) =>
  [131072, 262144, 524288].map((length) => ({
    length,
    ropeTheta: 1e7,
    train: { objective: 'longpo', beta: 0.1, ...train },
  }));

/**
 * The stages of named plans, each one pass. `paper`: lengths and RoPE base of arXiv 2502.13922, all weights at its rate (8
 * to 16 cards of 80 GB). `paper-lora`: the same stages with an adapter, as the run preset for small models has it.
 */
export const extensionPresets = {
  paper: paperStages({ trainable: { kind: 'full' }, learningRate: presets.paper.learningRate }),
  'paper-lora': paperStages({
    trainable: presets.smallModel.trainable,
    learningRate: presets.smallModel.learningRate,
  }),
} as const satisfies Record<string, ExtensionPlanInput['stages']>;
export type ExtensionPresetName = keyof typeof extensionPresets;

/** What a stage has come to so far. */
export interface ExtensionStageRow {
  /** From 1. */
  readonly stage: number;
  readonly generationId: number | null;
  readonly runId: number | null;
  /** The stage's model, relative to the workspace; null until it is whole. */
  readonly modelPath: string | null;
  readonly evaluationIds: readonly number[];
  /** Whether nothing is left to do. */
  readonly finished: boolean;
}

export const extensionRowSchema = z.strictObject({
  id: idSchema,
  name: z.string(),
  status: jobStatusSchema,
  codeVersion: z.string(),
  /** Milliseconds since 1970. */
  createdAt: z.int(),
  startedAt: z.int().nullable(),
  endedAt: z.int().nullable(),
  error: z.string().nullable(),
});

/** A plan with its stages. */
export type ExtensionRow = z.output<typeof extensionRowSchema> & {
  readonly plan: ExtensionPlan;
  readonly stages: readonly ExtensionStageRow[];
};
