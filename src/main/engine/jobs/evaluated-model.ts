import { UserError } from '../../../shared/errors.ts';
import type { NewEvaluationItem } from '../../../shared/evaluations.ts';
import type { RunConfig } from '../../../shared/run-config.ts';
import type { Estimate } from '../../../shared/evaluation-tasks.ts';
import type { Continuation, Generator } from '../generation/batched.ts';
import type { ModelRunner } from '../model/runner.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import type { RopeFor } from '../training/example.ts';
import type { JobContext } from './job-context.ts';
import type { Meter } from './metered-runner.ts';
import type { ModelText } from './model-text.ts';

/** A loaded model with the weights that are evaluated. */
export interface EvaluatedModel {
  /** Counts in `meter` what it reads and writes. */
  readonly runner: ModelRunner;
  readonly meter: Meter;
  readonly text: ModelText;
  /** Name of the frozen model's log-probabilities, see `frozenName`. */
  readonly fingerprint: string;
  /** [runner.layout.total] */
  readonly parameters: Float32Array;
  readonly policyRope: RopeFor;
  /** Tokens that the tokenizer puts before every plain text. */
  readonly plainLead: Int32Array;
}

/** What a task works with besides the model. */
export interface TaskContext {
  readonly context: JobContext<'evaluate'>;
  /** The task's samples: first index and number. */
  readonly from: number;
  readonly count: number;
  readonly config: RunConfig;
  /** What an earlier try stored, by index. */
  readonly answered: ReadonlyMap<number, NewEvaluationItem>;
  /** Stores items as they come; those that are answered already are passed over, unless they waited for a judge. */
  readonly store: (items: readonly NewEvaluationItem[]) => Promise<void>;
}

/** Finite figures by name. */
export type TaskSummary = Readonly<Record<string, number>>;

/** Bounds of a batch of prompts; fixed, because batches affect rounding. */
export const BATCH = { maxSequences: 64, maxTokens: 32768 } as const;

/** The model as one that answers, with positions for what the model can address. */
export function generatorOf({ runner, text, parameters, policyRope }: EvaluatedModel): Generator {
  const rope = policyRope(runner.config.maxPositionEmbeddings);
  return { runner, codec: text.codec, state: { parameters, rope } };
}

/** An answer as the published programs score it: without any special token (Hugging Face: `skip_special_tokens`). */
export function answerText(tokenizer: Pick<Tokenizer, 'decode'>, { ids, finish }: Continuation): string {
  return tokenizer.decode(finish === 'stop' ? ids.subarray(0, -1) : ids, { skipSpecialTokens: true });
}

/**
 * Tokens that a prompt may have, besides the answer.
 * @param positions what the model can address
 * @param maxTokens what the user allows; null: all of these
 * Errors: `invalid_input` where nothing is left for a prompt.
 */
export function roomFor(
  name: string,
  positions: number,
  { maxTokens, maxNewTokens }: { readonly maxTokens: number | null; readonly maxNewTokens: number },
): number {
  const room = Math.min(maxTokens ?? positions, positions) - maxNewTokens;
  if (room > 0) return room;
  throw new UserError(
    'invalid_input',
    `${name}: an answer of ${maxNewTokens} tokens leaves no room for a question among ${room + maxNewTokens} tokens.`,
    { hint: 'Ask for a shorter answer, or allow a longer input.', place: { field: 'maxNewTokens' } },
  );
}

/** Whether all these items were stored by an earlier try, so that their batch need not be done again. */
export function allAnswered({ answered }: Pick<TaskContext, 'answered'>, indices: readonly number[]): boolean {
  return indices.every((index) => answered.has(index));
}

/** An estimate as figures: `name`, `name/low`, `name/high`; nothing where there were no items. */
export function figures(name: string, { value, low, high, n }: Estimate): Record<string, number> {
  return n === 0 ? {} : { [name]: value, [`${name}/low`]: low, [`${name}/high`]: high };
}
