import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promptCodec } from '../../../../src/main/engine/generation/prompt-codec.ts';
import type { PromptCodec } from '../../../../src/main/engine/generation/prompt-codec.ts';
import type {
  GenerateInput,
  GenerateOutput,
  ModelRunner,
  ModelState,
} from '../../../../src/main/engine/model/runner.ts';
import { loadChatTemplate } from '../../../../src/main/engine/text/chat-template.ts';
import { loadTokenizer } from '../../../../src/main/engine/text/tokenizer.ts';

const demo = join(import.meta.dirname, '../../../../resources/demo');
export const demoFile = (...path: string[]): string => join(demo, ...path);

/** The demo model's own tokenizer and chat template. */
export async function demoCodec(): Promise<PromptCodec> {
  const folder = demoFile('base-model');
  return promptCodec(await loadTokenizer(folder), await loadChatTemplate(folder));
}

/** A state for runners without weights: only the number of positions counts. */
export function stateOf(positions: number): ModelState {
  const empty = new Float32Array(0);
  return { parameters: empty, rope: { cos: empty, sin: empty, length: positions, half: 0 } };
}

/**
 * A language model that needs no runtime: counts of what follows three tokens, and pairs of the last and an earlier one, in the
 * demo's short questions, mixed with what followed the last tokens earlier in the context, the nearer the more. So its answers depend on the context and
 * get worse with its length, as a real model's do.
 */
export class NgramRunner implements Pick<ModelRunner, 'generate' | 'logProbabilities'> {
  readonly vocabulary: number;
  readonly #table = new Map<string, Map<number, number>>();
  /** Every call of `generate`, to see how sequences were batched. */
  readonly calls: (GenerateInput & { readonly positions: number })[] = [];

  constructor(codec: PromptCodec, vocabulary: number) {
    this.vocabulary = vocabulary;
    const rows = readFileSync(demoFile('documents/eval/short.jsonl'), 'utf8').trim().split('\n').slice(0, 200);
    for (const row of rows) {
      const item = JSON.parse(row) as { context: string; question: string; answer: string };
      this.#learn(codec, `${item.context}\n${item.question}`, item.answer);
      this.#learn(codec, `${item.context}\nAsk a question about the text above.`, item.question);
    }
  }

  #learn(codec: PromptCodec, user: string, answer: string): void {
    const ids = [...codec.encodePrompt(user), ...codec.encode(answer), ...codec.stopIds.slice(0, 1)];
    for (let i = 3; i < ids.length; i += 1) {
      for (const [key] of keysOf(ids.slice(0, i))) {
        const counts = this.#table.get(key) ?? new Map<number, number>();
        counts.set(ids[i] ?? 0, (counts.get(ids[i] ?? 0) ?? 0) + 1);
        this.#table.set(key, counts);
      }
    }
  }

  /** Probabilities of the next token [vocabulary]. */
  next(context: readonly number[]): Float64Array {
    const n = context.length;
    const weights = new Float64Array(this.vocabulary).fill(1e-6);
    for (const [key, weight] of keysOf(context)) {
      const counts = this.#table.get(key);
      let total = 0;
      for (const count of counts?.values() ?? []) total += count;
      for (const [token, count] of counts ?? []) weights[token] = (weights[token] ?? 0) + (weight * count) / total;
    }
    for (let i = 1; i < n; i += 1) {
      if (context[i - 1] !== context[n - 1]) continue;
      const token = context[i] ?? 0;
      const longer = context[i - 2] === context[n - 2] ? 5 : 1;
      weights[token] = (weights[token] ?? 0) + longer * 0.995 ** (n - i);
    }
    const sum = weights.reduce((a, b) => a + b, 0);
    return weights.map((weight) => weight / sum);
  }

  async generate(input: GenerateInput, state: ModelState): Promise<GenerateOutput> {
    this.calls.push({ ...input, positions: state.rope.length });
    const tokens: Int32Array[] = [];
    const finish: ('stop' | 'length')[] = [];
    for (const [row, prompt] of input.prompts.entries()) {
      const context = [...input.prefix, ...prompt];
      if (prompt.length === 0) throw new Error('An empty prompt.');
      if (context.length + input.maxNewTokens > state.rope.length)
        throw new Error('Positions beyond the rotary tables.');
      const made: number[] = [];
      let ended = false;
      while (!ended && made.length < input.maxNewTokens) {
        const token = choose(this.next(context), input, row * input.maxNewTokens + made.length);
        made.push(token);
        context.push(token);
        ended = input.stopIds.includes(token);
      }
      tokens.push(Int32Array.from(made));
      finish.push(ended ? 'stop' : 'length');
    }
    return { tokens, finish };
  }

  logProbabilities: ModelRunner['logProbabilities'] = async (tokens, rows) => {
    const out = new Float32Array(rows.length * this.vocabulary);
    for (const [i, row] of rows.entries()) {
      out.set(this.next([...tokens.ids.subarray(0, row + 1)]).map(Math.log), i * this.vocabulary);
    }
    return out;
  };
}

/** What the next token is looked up by, and the weight of each. */
function keysOf(context: readonly number[]): [key: string, weight: number][] {
  return [
    [context.slice(-3).join(), 1],
    [`${context.at(-4)}..${context.at(-1)}`, 20],
    [`${context.at(-6)}....${context.at(-1)}`, 40],
  ];
}

/** Nucleus sampling: tokens by falling probability until topP is passed, then the inverse of the cumulated sum. */
function choose(probabilities: Float64Array, input: GenerateInput, at: number): number {
  const order = [...probabilities.keys()].sort((a, b) => (probabilities[b] ?? 0) - (probabilities[a] ?? 0) || a - b);
  if (input.temperature === 0) return order[0] ?? 0;
  const scaled = order.map((token) => (probabilities[token] ?? 0) ** (1 / input.temperature));
  const all = scaled.reduce((a, b) => a + b, 0);
  let kept = 0;
  const nucleus = scaled.filter((p) => {
    const inside = kept < input.topP * all;
    kept += inside ? p : 0;
    return inside;
  });
  const uniform = input.uniforms[at];
  if (uniform === undefined) throw new Error('Too few uniform numbers.');
  let sum = 0;
  const index = nucleus.findIndex((p) => (sum += p) > uniform * kept);
  return order[index === -1 ? nucleus.length - 1 : index] ?? 0;
}
