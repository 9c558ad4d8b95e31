import { z } from 'zod';
import { instructionTemplateSchema, instructionTemplates } from './instruction-templates.ts';
import type { EvaluationRow } from './evaluations.ts';
import { publishedFormSchema } from './published-forms.ts';

const count = z.int().min(1);
const name = z.string().trim().min(1);

/** When an answer is right: the whole text with its end, the same without case and punctuation, or it occurs in it. */
export const answerRuleSchema = z.enum(['exact', 'normalised', 'contains']);

/** Questions of a JSON Lines file {context, question, answer, depth?}, answered greedily. */
export const questionTaskSchema = z.strictObject({
  kind: z.literal('questions'),
  name,
  path: z.string().min(1),
  rule: answerRuleSchema.default('exact'),
  separator: z.string().default('\n\n'),
  maxNewTokens: count.default(128),
  /** Only the first items; null = all. */
  limit: count.nullable().default(null),
});

/** Share of the contexts of a JSON Lines file about which the model asks a question that the context answers. */
export const askTaskSchema = z.strictObject({
  kind: z.literal('ask'),
  name,
  path: z.string().min(1),
  template: instructionTemplateSchema.default(instructionTemplates.demo),
  maxNewTokens: count.default(10),
  temperature: z.number().min(0).default(0.7),
  topP: z.number().gt(0).max(1).default(0.9),
  seed: z.int().min(0).max(0xffffffff).default(0),
  limit: count.nullable().default(null),
});

/** Mean NLL a token of plain texts: the `context` (or `text`) of a JSON Lines file's lines. */
export const textTaskSchema = z.strictObject({
  kind: z.literal('text'),
  name,
  path: z.string().min(1),
  /** Longest row; longer texts are cut and counted. Null = what the model can address. */
  maxTokens: z.int().min(2).nullable().default(null),
  limit: count.nullable().default(null),
});

/** Exact KL(policy on the long input || reference on the short one) and losses on pairs of the workspace. */
export const klTaskSchema = z.strictObject({
  kind: z.literal('kl'),
  name,
  /** Samples that are read; null = the run's held-out pairs. */
  samples: z.array(z.int().min(1)).nullable().default(null),
  limit: count.nullable().default(null),
});

/** The thirteen tasks of RULER (arXiv 2404.06654). */
export const rulerTaskNameSchema = z.enum([
  ...(['niah_single_1', 'niah_single_2', 'niah_single_3', 'niah_multikey_1', 'niah_multikey_2'] as const),
  ...(['niah_multikey_3', 'niah_multivalue', 'niah_multiquery', 'vt', 'cwe', 'fwe', 'qa_1', 'qa_2'] as const),
]);
export type RulerTaskName = z.infer<typeof rulerTaskNameSchema>;

/** How a prompt is put to the model: in its chat template, or as plain text to be continued. */
export const promptFormSchema = z.enum(['chat', 'plain']);
export type PromptForm = z.infer<typeof promptFormSchema>;

/** Generated long-context items of one RULER task. */
export const rulerTaskSchema = z
  .strictObject({
    kind: z.literal('ruler'),
    name,
    task: rulerTaskNameSchema,
    /** Tokens of the model, with template and longest answer. */
    lengths: z.array(z.int().min(256)).min(1),
    /** Places of the needles, 0 = start, 1 = end; null = drawn, as published. Only for the needle tasks. */
    depths: z.array(z.number().min(0).max(1)).min(1).nullable().default(null),
    /** Items at each length (and depth). */
    itemsPerCell: count.default(100),
    seed: z.int().min(0).max(0xffffffff).default(42),
    /** Text or JSON Lines files that running-text haystacks are made of; none = sentences of our own. */
    documents: z.array(z.string().min(1)).default([]),
    /** What needles are hidden in; null = as published for the task. */
    haystack: z.enum(['essay', 'noise', 'needle']).nullable().default(null),
    /** The user's question file in the form of SQuAD (qa_1) or HotpotQA (qa_2). */
    questions: z.string().min(1).nullable().default(null),
    prompt: promptFormSchema.default('chat'),
  })
  .refine(({ depths, task }) => depths === null || task.startsWith('niah_'), {
    message: 'only the needle tasks (niah_...) have depths',
    path: ['depths'],
  })
  .refine(({ haystack, task }) => haystack === null || task.startsWith('niah_'), {
    message: 'only the needle tasks (niah_...) have a haystack to choose',
    path: ['haystack'],
  });

/** Published forms of multiple-choice data sets. */
export const choiceFormSchema = z.enum(['mmlu', 'arc', 'hellaswag', 'winogrande']);
export type ChoiceForm = z.infer<typeof choiceFormSchema>;
export const choiceNames = { mmlu: 'MMLU', arc: 'ARC', hellaswag: 'HellaSwag', winogrande: 'Winogrande' } as const;

/** Multiple choice by log-likelihood on a file in a published form, as lm-evaluation-harness scores it. */
export const choiceTaskSchema = z.strictObject({
  kind: z.literal('multiple_choice'),
  name,
  form: choiceFormSchema,
  /** JSON Lines or Parquet. */
  path: z.string().min(1),
  /** Worked examples before each question: the first ones of `examples` (MMLU: of the same subject). */
  fewShot: z.int().min(0).max(100).default(0),
  examples: z.string().min(1).nullable().default(null),
  limit: count.nullable().default(null),
});

/** A published set of long inputs, given as its authors' file, with their prompts and metric; answered greedily. */
export const publishedTaskSchema = z
  .strictObject({
    kind: z.literal('published'),
    name,
    form: publishedFormSchema,
    path: z.string().min(1),
    /** HELMET's RAG: the published file of worked examples; null = none are put before the questions. */
    examples: z.string().min(1).nullable().default(null),
    /** Longest input with template and answer, in tokens; longer ones are cut as published. Null = what the model can address. */
    maxTokens: z.int().min(64).nullable().default(null),
    /** Null = as published. */
    maxNewTokens: count.nullable().default(null),
    /** Null = as published: the chat template, and plain text for some tasks of LongBench. */
    prompt: promptFormSchema.nullable().default(null),
    limit: count.nullable().default(null),
  })
  .refine(({ examples, form }) => examples === null || form === 'helmet/rag', {
    message: 'only helmet/rag has a file of worked examples',
    path: ['examples'],
  });

/** Published forms of open questions whose answers a judge rates. */
export const judgedFormSchema = z.enum(['mt_bench', 'longbench_chat']);
export type JudgedForm = z.infer<typeof judgedFormSchema>;

/** Chat answers rated from 1 to 10 by a local judge model with the published rubric; answered greedily. */
export const judgedTaskSchema = z.strictObject({
  kind: z.literal('judged'),
  name,
  form: judgedFormSchema,
  /** The published question file. */
  path: z.string().min(1),
  /** MT-Bench: reference answers (math, reasoning, coding); LongBench-Chat: the rated examples (few_shots.json). */
  references: z.string().min(1).nullable().default(null),
  /** Hugging Face folder of the judge. */
  judge: z.string().min(1),
  /** Longest input of the judged model, in tokens; longer ones are cut in the middle. Null = what it can address. */
  maxTokens: z.int().min(64).nullable().default(null),
  /** Longest answer and longest judgement. */
  maxNewTokens: count.default(1024),
  judgeTokens: count.default(1024),
  /** Only the first questions. */
  limit: count.nullable().default(null),
});

export const evaluationTaskSchema = z.discriminatedUnion('kind', [
  questionTaskSchema,
  askTaskSchema,
  textTaskSchema,
  klTaskSchema,
  rulerTaskSchema,
  choiceTaskSchema,
  publishedTaskSchema,
  judgedTaskSchema,
]);
export type EvaluationTask = z.output<typeof evaluationTaskSchema>;
export type EvaluationTaskInput = z.input<typeof evaluationTaskSchema>;

/** A number with its 95% interval over `n` items. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly n: number;
}

/** One task's outcome. `row.summary` holds the figures by name (`accuracy`, `accuracy/low`, `nll`, ...). */
export interface EvaluationOutcome {
  readonly task: EvaluationTask;
  readonly row: EvaluationRow;
  readonly summary: Readonly<Record<string, number>>;
}

/** One model's place in a comparison over the items that all have. */
export interface ComparisonRow {
  readonly name: string;
  readonly mean: Estimate;
  /** Against the first; null for the first itself. */
  readonly difference: Estimate | null;
  /** Items that are better or worse than with the first (right and wrong, for questions). */
  readonly better: readonly number[];
  readonly worse: readonly number[];
}

export interface Comparison {
  readonly rows: readonly ComparisonRow[];
  /** Items on which every model has a value; only these are compared. */
  readonly items: readonly number[];
}
