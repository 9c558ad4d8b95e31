import { throwIfCancelled } from '../generation/batched.ts';
import type { ModelRunner, ModelState } from '../model/runner.ts';
import { bootstrapMean } from './intervals.ts';
import type { Estimate } from '../../../shared/evaluation-tasks.ts';
import type { BootstrapOptions } from './intervals.ts';

/** Negative log-likelihood of one text. */
export interface TextNll {
  /** Sum over the predicted tokens, in nats. */
  readonly sum: number;
  /** Number of predicted tokens. */
  readonly tokens: number;
  /** The text was longer than `maxTokens` and only its start was read. */
  readonly cut: boolean;
}

/**
 * Scores plain texts.
 * @param texts token ids of each text
 * @param lead tokens before each text that are not predicted (`<s>`, or a user header); with an empty lead the text's
 *   first token is not predicted
 * @param maxTokens longest row, lead included
 */
export async function scoreTexts(
  runner: Pick<ModelRunner, 'score'>,
  state: ModelState,
  texts: readonly Int32Array[],
  options: {
    lead: Int32Array;
    maxTokens: number;
    signal?: AbortSignal;
    onProgress?: (done: number) => void;
    /** Results of an earlier try by index: these texts are not read again. */
    known?: ReadonlyMap<number, TextNll>;
    onResult?: (index: number, result: TextNll) => Promise<void>;
  },
): Promise<TextNll[]> {
  const results: TextNll[] = [];
  for (const [index, text] of texts.entries()) {
    const known = options.known?.get(index);
    if (known !== undefined) {
      results.push(known);
      continue;
    }
    throwIfCancelled(options.signal);
    const whole = Int32Array.from([...options.lead, ...text]);
    const ids = whole.subarray(0, Math.min(options.maxTokens, state.rope.length));
    const first = Math.max(options.lead.length, 1);
    const target = ids.slice(first);
    const from = Int32Array.from(target, (_, i) => first + i - 1);
    const logps =
      target.length === 0
        ? new Float32Array(0)
        : await runner.score({ ids, prefix: ids.length, first: 0, second: 0 }, { from, target }, state);
    const result = {
      sum: logps.reduce((sum, logp) => sum - logp, 0),
      tokens: target.length,
      cut: ids.length < whole.length,
    };
    results.push(result);
    await options.onResult?.(index, result);
    options.onProgress?.(results.length);
  }
  return results;
}

/**
 * Mean NLL a token over all texts, in nats, with a bootstrap interval over texts (tokens of one text are not independent).
 * Its exponential is the perplexity.
 */
export function meanNll(results: readonly TextNll[], options: BootstrapOptions = {}): Estimate {
  const read = results.filter((result) => result.tokens > 0);
  return bootstrapMean(
    read.map((result) => result.sum / result.tokens),
    { ...options, weights: read.map((result) => result.tokens) },
  );
}

/** Perplexity: the exponential of a mean NLL and of its bounds. */
export function perplexity(nll: Estimate): Estimate {
  return { value: Math.exp(nll.value), low: Math.exp(nll.low), high: Math.exp(nll.high), n: nll.n };
}
