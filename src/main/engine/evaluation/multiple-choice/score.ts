import type { ModelRunner, ModelState } from '../../model/runner.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';

/** Tokens of a context and its continuation; those from `first` on are scored. */
export interface ScoredRow {
  readonly ids: Int32Array;
  readonly first: number;
}

/**
 * Splits as lm-evaluation-harness does: spaces at the context's end go to the continuation, both are tokenised as one
 * text, and what is scored begins after as many tokens as the context has alone. The start of what is too long for the
 * model is left out.
 * @param lead tokens that the tokenizer puts before every text (`<s>`, for some models)
 */
export function rowOf(
  tokenizer: Pick<Tokenizer, 'encode'>,
  lead: Int32Array,
  { context, continuation }: { readonly context: string; readonly continuation: string },
  maxTokens: number,
): ScoredRow {
  const end = context.trimEnd();
  const whole = Int32Array.from([...lead, ...tokenizer.encode(context + continuation)]);
  const first = lead.length + tokenizer.encode(end).length;
  // The last token is predicted, not read.
  const cut = Math.max(0, whole.length - (maxTokens + 1));
  return { ids: whole.slice(cut), first: Math.max(first - cut, 1) };
}

/**
 * Sum of the log-probabilities of each row's continuation, in nats. Rows that begin alike are read together: two at a
 * time, as one tree; rows that differ in their last token only, at once.
 */
export async function scoreRows(
  runner: Pick<ModelRunner, 'score'>,
  state: ModelState,
  rows: readonly ScoredRow[],
): Promise<number[]> {
  const sums = rows.map(() => 0);
  for (const { a, b, prefix } of readTogether(rows)) {
    const second = b === undefined ? new Int32Array(0) : b.ids.subarray(prefix);
    const from: number[] = [];
    const target: number[] = [];
    const owner: number[] = [];
    for (const input of b === undefined ? [a] : [a, b]) {
      const shift = input === a ? 0 : a.ids.length - prefix;
      for (const i of input.rows) {
        const { ids, first } = rows[i] as ScoredRow; // i counts the rows
        for (let t = first; t < ids.length; t += 1) {
          from.push(t - 1 < prefix ? t - 1 : t - 1 + shift);
          target.push(ids[t] as number); // t < length
          owner.push(i);
        }
      }
    }
    const tree = {
      ids: Int32Array.from([...a.ids, ...second]),
      prefix,
      first: a.ids.length - prefix,
      second: second.length,
    };
    const logps = await runner.score(tree, { from: Int32Array.from(from), target: Int32Array.from(target) }, state);
    for (const [m, logp] of logps.entries()) {
      const i = owner[m] as number; // one for each target
      sums[i] = (sums[i] as number) + logp;
    }
  }
  return sums;
}

interface Input {
  readonly ids: Int32Array;
  /** Numbers of the rows that it scores. */
  readonly rows: readonly number[];
}

/** What is read in one run: one input or two, which begin with the same `prefix` tokens. */
interface InputPair {
  readonly a: Input;
  readonly b: Input | undefined;
  readonly prefix: number;
}

function readTogether(rows: readonly ScoredRow[]): InputPair[] {
  const inputs: { readonly ids: Int32Array; readonly rows: number[] }[] = [];
  for (const [i, { ids }] of rows.entries()) {
    const input = ids.subarray(0, -1);
    const known = inputs.find((other) => startLength(other.ids, input) === Math.max(other.ids.length, input.length));
    if (known === undefined) inputs.push({ ids: input, rows: [i] });
    else known.rows.push(i);
  }
  const pairs: InputPair[] = [];
  for (let at = 0; at < inputs.length; at += 2) {
    // The longer one first: a branch may be empty only where it is the second.
    const [a, b] = inputs.slice(at, at + 2).sort((x, y) => y.ids.length - x.ids.length);
    if (a !== undefined) pairs.push({ a, b, prefix: b === undefined ? a.ids.length : startLength(a.ids, b.ids) });
  }
  return pairs;
}

/** Tokens that the model reads to score these rows. */
export function tokensRead(rows: readonly ScoredRow[]): number {
  return readTogether(rows).reduce(
    (sum, { a, b, prefix }) => sum + a.ids.length + (b?.ids.length ?? prefix) - prefix,
    0,
  );
}

/** Number of tokens that two sequences start with alike. */
function startLength(a: Int32Array, b: Int32Array): number {
  let same = 0;
  while (same < a.length && same < b.length && a[same] === b[same]) same += 1;
  return same;
}

/** The first of the greatest values (numpy's argmax). */
export function argmax(values: readonly number[]): number {
  return values.reduce((best, value, i) => (value > (values[best] ?? -Infinity) ? i : best), 0);
}

/** What the model chooses: by log-likelihood, and by log-likelihood over the choice's number of characters. */
export function chosen(sums: readonly number[], choices: readonly string[]): { acc: number; accNorm: number } {
  const lengths = choices.map((choice) => [...choice].length); // characters as Python counts them
  return { acc: argmax(sums), accNorm: argmax(sums.map((sum, i) => sum / (lengths[i] ?? 1))) };
}
