import { z } from 'zod';
import { idSchema } from '../documents.ts';
import { evaluationTaskSchema } from '../evaluation-tasks.ts';
import type { Comparison, Estimate, EvaluationTaskInput } from '../evaluation-tasks.ts';
import type { EvaluationItem, EvaluationRow, Judge } from '../evaluations.ts';
import { pageRequestSchema } from '../paging.ts';
import type { Page } from '../paging.ts';
import { method } from './method.ts';
import { baseBits } from '../run-config.ts';
import type { BaseBits, Objective } from '../run-config.ts';

const source = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('base'), modelDir: z.string().trim().min(1, 'choose a model') }),
  z.strictObject({
    kind: z.literal('adapter'),
    modelDir: z.string().trim().min(1, 'choose a model'),
    dir: z.string().trim().min(1, 'choose the adapter folder'),
  }),
  z.strictObject({ kind: z.literal('run'), runId: idSchema, checkpointId: idSchema.optional() }),
]);

const executionShape = {
  threads: z.int().min(0).default(0),
  /** Left out: what the run was trained on, else the model's own precision. */
  baseBits: z.enum(baseBits).optional(),
  device: z.enum(['cpu', 'cuda']).default('cpu'),
};

/** An evaluation with whose weights it measured. */
export interface EvaluationView extends EvaluationRow {
  /** Step of the run's checkpoint. */
  readonly step: number | null;
  readonly source: 'base' | 'adapter' | 'run';
  /** Who rated the answers of kind `judged`; null for the other kinds. */
  readonly judge: Pick<Judge, 'name' | 'fingerprint'> | null;
  /** Judge and judged model have the same base weights; null where there is no judge. */
  readonly selfJudged: boolean | null;
  /** Mean rating, 1 to 10; null where there is none (yet). */
  readonly rating: Estimate | null;
  /** The base model's name; its fingerprint's beginning where the workspace does not know it. */
  readonly model: string;
  readonly baseBits: BaseBits;
  readonly device: 'cpu' | 'cuda';
  /** The run's name and objective; null for other sources. */
  readonly run: { readonly name: string; readonly objective: Objective } | null;
  /** The adapter folder's name; null for other sources. */
  readonly adapter: string | null;
}

/** A small set that comes with Longhand, as a task that is ready to be asked. */
export interface BuiltInSet {
  /** The benchmark whose form it has; `Demo` for the demo's questions. */
  readonly family: string;
  /** What it is called within its family. */
  readonly label: string;
  readonly items: number;
  readonly task: EvaluationTaskInput;
}

const tokens = z.int().min(0).nullable();
/** How large a task's set is. Null where that is known only once the evaluation begins. */
export const taskSizeSchema = z.strictObject({
  items: z.int().min(0).nullable(),
  /**
   * Tokens that the model reads, prompts whole; of judged chat without the earlier answers, and without what the judge
   * reads.
   */
  read: tokens,
  /** Tokens that it writes if every answer is as long as allowed; 0 where nothing is written; without judgements. */
  written: tokens,
  /** What `read` is: `most`: never more than that; `about`: counted on a part of the set. */
  bound: z.enum(['most', 'about']),
  /** Items that are too long for the model and will not be asked (about as many, where that is the bound). */
  tooLong: z.int().min(0),
});
export type TaskSize = Readonly<z.infer<typeof taskSizeSchema>>;

/** Seconds that a task takes, without loading the model, as an earlier evaluation makes one expect. */
export interface TaskTime {
  readonly low: number;
  readonly high: number;
  /** The earlier evaluation. */
  readonly evaluationId: number;
}

/** What a task takes on one model. */
export interface TaskEstimate {
  readonly size: TaskSize;
  /** Null: this machine has evaluated nothing alike with this model on this device yet. */
  readonly time: TaskTime | null;
}

/** The text that an item was asked about. */
export interface ItemDocument {
  /** Empty where the question stands alone. */
  readonly text: string;
  /** Start and end of the evidence in UTF-16 units. */
  readonly evidence: readonly (readonly [number, number])[];
  /** How its place is known: the task put it there; the answer's words stand there; the set names a depth. */
  readonly found: 'placed' | 'words' | 'depth' | 'none';
  /** Of multiple choice: the options. */
  readonly choices?: readonly string[];
  /** Of held-out pairs: what the item was made of, turn by turn; empty where the evaluation did not note it. */
  readonly pairs?: readonly ItemPair[];
}

/** A pair that an item was made of, with its texts as they were. */
export interface ItemPair {
  readonly pairId: number;
  readonly question: string;
  readonly chosen: string;
  readonly rejected: string;
}

export const evaluationMethods = {
  'evaluations.list': method<Page<EvaluationView>>()(pageRequestSchema.extend({ runId: idSchema.optional() })),
  'evaluations.items': method<Page<EvaluationItem>>()(pageRequestSchema.extend({ id: idSchema })),
  'evaluations.builtIn': method<readonly BuiltInSet[]>()(z.strictObject({})),
  /** Reads a task's files as the evaluation would. Errors: those of the files, naming file, line and field. */
  'evaluations.check': method<TaskSize>()(
    z.strictObject({ modelDir: z.string().trim().min(1, 'choose a model'), task: evaluationTaskSchema }),
  ),
  /** What tasks of the sizes that `check` told take on a model, by what was measured here before. */
  'evaluations.estimate': method<readonly TaskEstimate[]>()(
    z.strictObject({
      source,
      ...executionShape,
      tasks: z.array(z.strictObject({ task: evaluationTaskSchema, size: taskSizeSchema })),
    }),
  ),
  /** What an item of a stored evaluation was asked about, made or read again. */
  'evaluations.document': method<ItemDocument>()(z.strictObject({ id: idSchema, index: z.int().min(0) })),
  'evaluations.start': method<{ readonly jobId: number }>()(
    z.strictObject({
      source,
      tasks: z.array(evaluationTaskSchema).min(1, 'choose at least one task'),
      ...executionShape,
    }),
  ),
  /** Evaluations of one set, item by item, with the first as the baseline. */
  'evaluations.compare': method<Comparison>()(
    z.strictObject({ ids: z.array(idSchema).min(1).max(20), names: z.array(z.string()).optional() }),
  ),
};
