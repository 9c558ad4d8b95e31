import { UserError } from '../../../shared/errors.ts';
import type { ModelRunner, ModelState } from '../model/runner.ts';
import { batchByLength, splitCommonPrefix } from './batching.ts';
import type { BatchLimits } from './batching.ts';
import type { PromptCodec } from './prompt-codec.ts';
import { uniformsFor } from '../random.ts';

/** A model that answers: what synthesis and evaluation need of it. */
export interface Generator {
  readonly runner: Pick<ModelRunner, 'generate'>;
  readonly codec: PromptCodec;
  readonly state: ModelState;
}

export interface Prompt {
  /** Names the sequence for its random numbers. */
  readonly key: string;
  readonly ids: Int32Array;
}

/** The likeliest token each time. */
export const GREEDY = { temperature: 0, topP: 1, topK: 0, seed: 0 } as const;

/** The continuation of one prompt. */
export interface Continuation {
  /** New tokens, the stop token included. */
  readonly ids: Int32Array;
  /** Their text without the stop token; other special tokens are kept as text. */
  readonly text: string;
  readonly finish: 'stop' | 'length';
}

export interface DecodingOptions {
  readonly maxNewTokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly seed: number;
  readonly batch: BatchLimits;
  readonly signal?: AbortSignal | undefined;
  /** Called after each batch with the number of prompts done so far. */
  readonly onBatch?: ((done: number) => void) | undefined;
}

/**
 * Continues prompts in batches of similar length and returns the continuations in the order of the prompts. Each prompt
 * and its new tokens must fit `state.rope.length` (see `fits`).
 */
export async function generateBatched(
  generator: Generator,
  prompts: readonly Prompt[],
  options: DecodingOptions,
): Promise<Continuation[]> {
  const results = new Map<number, Continuation>();
  await generateEachBatch(generator, prompts, options, (indices, done) => {
    for (const [i, index] of indices.entries()) results.set(index, at(done, i));
  });
  return prompts.map((_, index) => results.get(index) as Continuation); // every prompt is in one batch
}

/**
 * As `generateBatched`, with each batch handed over as it is done.
 * @param onDone indices of the prompts and their continuations; waited for
 * @param isKnown whether a batch need not be done, by its indices. Batches are the same whatever is known, because which
 *   sequences are computed together affects rounding: what is done again after a stop gives the same answers
 */
export async function generateEachBatch(
  generator: Generator,
  prompts: readonly Prompt[],
  options: DecodingOptions,
  onDone: (indices: readonly number[], continuations: readonly Continuation[]) => void | Promise<void>,
  isKnown: (indices: readonly number[]) => boolean = () => false,
): Promise<void> {
  const lengths = prompts.map((prompt) => prompt.ids.length + options.maxNewTokens);
  let count = 0;
  for (const indices of batchByLength(lengths, options.batch)) {
    if (!isKnown(indices)) {
      const batch = indices.map((index) => at(prompts, index));
      await onDone(indices, await run(generator, batch, options));
    }
    count += indices.length;
    options.onBatch?.(count);
  }
}

/** Continues prompts that begin alike (one document, several questions) in as few batches as possible. */
export async function generateOverPrefix(
  generator: Generator,
  prompts: readonly Prompt[],
  options: DecodingOptions,
): Promise<Continuation[]> {
  const results: Continuation[] = [];
  for (let start = 0; start < prompts.length; start += options.batch.maxSequences) {
    results.push(...(await run(generator, prompts.slice(start, start + options.batch.maxSequences), options)));
    options.onBatch?.(results.length);
  }
  return results;
}

/** Whether a prompt and its new tokens have positions in the state's rotary tables. */
export function fits(promptTokens: number, maxNewTokens: number, state: ModelState): boolean {
  return promptTokens + maxNewTokens <= state.rope.length;
}

/** @throws UserError `cancelled` */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new UserError('cancelled', 'The job was stopped.');
}

async function run(
  { runner, codec, state }: Generator,
  batch: readonly Prompt[],
  options: DecodingOptions,
): Promise<Continuation[]> {
  throwIfCancelled(options.signal);
  const { maxNewTokens, temperature, topK, topP, seed } = options;
  const uniforms = new Float32Array(temperature === 0 ? 0 : batch.length * maxNewTokens);
  if (temperature !== 0) {
    for (const [row, prompt] of batch.entries()) {
      uniforms.set(uniformsFor(seed, prompt.key, maxNewTokens), row * maxNewTokens);
    }
  }
  // What all prompts begin with is read once: the template's header, or a document.
  const { prefix, rests: prompts } = splitCommonPrefix(batch.map((prompt) => prompt.ids));
  const { stopIds } = codec;
  const output = await runner.generate(
    { prefix, prompts, maxNewTokens, temperature, topK, topP, uniforms, stopIds },
    state,
  );
  return batch.map((_, row) => {
    const ids = at(output.tokens, row);
    const finish = at(output.finish, row);
    return { ids, finish, text: codec.decode(finish === 'stop' ? ids.subarray(0, -1) : ids) };
  });
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new Error(`No item ${index} among ${items.length}.`);
  return item;
}
