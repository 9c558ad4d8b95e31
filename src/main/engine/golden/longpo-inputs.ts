import { z } from 'zod';
import { UserError } from '../../../shared/errors.ts';
import { checkJson } from '../model/json-file.ts';
import { IGNORE, type Conversation } from '../text/conversation.ts';

const integers = z.array(z.int());
const ids = z.array(z.int().nonnegative()).min(2);

const sequenceSchema = z.object({
  input_ids: ids,
  attention_mask: integers.optional(),
  labels: integers.optional(),
  response_spans: z.array(z.tuple([z.int().positive(), z.int().positive()])).min(1),
});
const packedSchema = z.object({
  input_ids: ids,
  position_ids: integers.optional(),
  branch: integers.optional(),
  predicted_from: integers.optional(),
  labels: integers.optional(),
});
const pairSchema = z.object({ chosen: sequenceSchema, rejected: sequenceSchema, packed: packedSchema.optional() });
const turnTextSchema = z.object({
  chunk: z.int().nonnegative(),
  question: z.string(),
  chosen: z.string(),
  rejected: z.string(),
});
const textSchema = z.object({
  document: z.string().optional(),
  chunks: z.array(z.string()).min(1),
  turns: z.array(turnTextSchema).min(1),
});
const exampleSchema = pairSchema.extend({
  id: z.string().min(1),
  text: textSchema.optional(),
  turns: z.array(pairSchema).min(1),
});
const theta = z.number().positive().nullish();
const optimizerSchema = z.object({
  name: z.string().default('AdamW'),
  learning_rate: z.number().nonnegative(),
  betas: z.tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)]).optional(),
  alpha: z.number().min(0).lt(1).optional(),
  eps: z.number().positive().optional(),
  weight_decay: z.number().nonnegative().default(0),
  weight_decay_applies_to: z.string().optional(),
  /** null, missing or 0: no clipping. */
  max_grad_norm: z.number().nonnegative().nullish(),
  schedule: z.string().default('constant'),
  warmup_steps: z.int().nonnegative().default(0),
  /** Of the schedule; `steps` of them are made. */
  total_steps: z.int().positive().optional(),
  steps: z.int().positive(),
  beta: z.number().optional(),
  lambda: z.number().optional(),
  learning_rates: z.array(z.number()).optional(),
});
const inputsSchema = z.object({
  model: z.string(),
  adapter: z.string().nullish(),
  trainable: z.enum(['full', 'lora']),
  policy: z.object({ rope_theta: theta }).default({}),
  reference: z.object({ adapter: z.string().nullish(), rope_theta: theta }).default({}),
  ignore_index: z.int().default(IGNORE),
  beta_lambda: z.array(z.tuple([z.number(), z.number()])).optional(),
  optimizer: optimizerSchema.optional(),
  examples: z.array(exampleSchema).min(1),
});

export type GoldenSequence = z.infer<typeof sequenceSchema>;
export type GoldenPair = z.infer<typeof pairSchema>;
export type GoldenExample = z.infer<typeof exampleSchema>;
export type GoldenText = z.infer<typeof textSchema>;
export type GoldenOptimizer = z.infer<typeof optimizerSchema>;
export type LongpoInputs = z.infer<typeof inputsSchema>;

/** @throws UserError naming the file and the field at fault */
export function readLongpoInputs(file: string, raw: unknown): LongpoInputs {
  const inputs = checkJson(file, raw, inputsSchema);
  const bad = (field: string, problem: string): UserError =>
    new UserError('invalid_input', `${file}: "${field}" ${problem}.`, {
      hint: 'The file is damaged; take the original.',
      place: { file, field },
    });
  if (inputs.trainable === 'lora' && !inputs.adapter) throw bad('adapter', 'is missing, but "trainable" is lora');
  if (inputs.trainable === 'full' && inputs.adapter) throw bad('adapter', 'is given, but "trainable" is full');
  if (inputs.reference.adapter) throw bad('reference.adapter', 'is given, but the reference is the base model alone');
  if (new Set(inputs.examples.map(({ id }) => id)).size < inputs.examples.length)
    throw bad('examples', 'has an id twice');
  for (const example of inputs.examples) {
    const place = `examples.${example.id}`;
    const turns = example.turns.length;
    checkPair(example, turns, place, bad);
    example.turns.forEach((pair, i) => {
      checkPair(pair, 1, `${place}.turns.${i}`, bad);
      for (const side of ['chosen', 'rejected'] as const) {
        const long = answerOf(example[side], i);
        const short = answerOf(pair[side], 0);
        if (long.join() !== short.join())
          throw bad(`${place}.turns.${i}.${side}`, 'has another answer than the long sequence');
      }
    });
    const { text } = example;
    if (text === undefined) continue;
    if (text.turns.length !== turns)
      throw bad(`${place}.text.turns`, `has ${text.turns.length} turns, the sequences have ${turns}`);
    if (text.turns.some(({ chunk }) => chunk >= text.chunks.length))
      throw bad(`${place}.text.turns`, 'names a chunk that is not there');
  }
  return inputs;
}

function answerOf({ input_ids: tokens, response_spans: spans }: GoldenSequence, turn: number): number[] {
  const [start, end] = spans[turn] ?? [0, 0];
  return tokens.slice(start, end);
}

function checkPair(
  pair: GoldenPair,
  turns: number,
  place: string,
  bad: (field: string, problem: string) => UserError,
): void {
  for (const side of ['chosen', 'rejected'] as const) {
    const { input_ids: tokens, response_spans: spans, labels, attention_mask: mask } = pair[side];
    const field = `${place}.${side}`;
    if (spans.length !== turns) throw bad(`${field}.response_spans`, `has ${spans.length} answers for ${turns} turns`);
    let previous = 1;
    for (const [start, end] of spans) {
      if (start < previous || end <= start || end > tokens.length) {
        throw bad(
          `${field}.response_spans`,
          `has the answer [${start}, ${end}), which does not fit ${tokens.length} tokens`,
        );
      }
      previous = end;
    }
    for (const [name, list] of [
      ['labels', labels],
      ['attention_mask', mask],
    ] as const) {
      if (list !== undefined && list.length !== tokens.length) {
        throw bad(`${field}.${name}`, `has ${list.length} entries for ${tokens.length} tokens`);
      }
    }
  }
  const { chosen, rejected } = pair;
  const start = chosen.response_spans[0]?.[0] ?? 0;
  const shared = chosen.input_ids.slice(0, start).join() === rejected.input_ids.slice(0, start).join();
  if (rejected.response_spans[0]?.[0] !== start || !shared) {
    throw bad(place, 'has chosen and rejected sequences that do not begin with the same prompt');
  }
}

/** A sequence of the file in the form of the conversation builder; labels that are left out follow from the spans. */
export function conversationOf({ input_ids, response_spans: spans, labels }: GoldenSequence): Conversation {
  const tokens = Int32Array.from(input_ids);
  const own = new Int32Array(tokens.length).fill(IGNORE);
  for (const [start, end] of spans) own.set(tokens.subarray(start, end), start);
  return { ids: tokens, labels: labels === undefined ? own : Int32Array.from(labels), responseSpans: spans };
}
