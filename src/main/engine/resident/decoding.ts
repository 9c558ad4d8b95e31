import { UserError } from '../../../shared/errors.ts';
import { isFasterTogether } from '../generation/attention-choice.ts';
import { pageLayout } from '../generation/page-table.ts';
import { NO_TOKEN } from '../generation/sampling.ts';
import type { ModelConfig } from '../model/config.ts';
import type { GenerateInput, GenerateOutput } from '../model/runner.ts';
import { pageFeeds, scalar, size, vector } from './feeds.ts';
import { isPaged, limitsOf, precision } from './resident-options.ts';
import type { ResidentOptions } from './resident-options.ts';
import { evenParts, layoutRow } from './row-layout.ts';
import type { Feeds } from './segmented-step.ts';

/** What enters the program `generate` for these sequences. */
export function decodeFeeds(request: GenerateInput, config: ModelConfig, options: ResidentOptions): Feeds {
  const input = request.prompts.length === 1 ? readAsPrefix(request) : request;
  const batch = input.prompts.length;
  const longest = Math.max(...input.prompts.map((prompt) => prompt.length));
  // As many queries in a block as elsewhere, of all sequences together.
  const promptBlock = evenParts(longest, Math.max(1, Math.floor(limitsOf(options).block / batch)));
  const width = Math.ceil(longest / promptBlock) * promptBlock;
  const prompts = new Int32Array(batch * width);
  input.prompts.forEach((prompt, i) => {
    prompts.set(prompt, i * width);
  });
  const greedy = input.temperature === 0;
  const uniforms = greedy ? new Float32Array(batch * input.maxNewTokens) : input.uniforms;
  // CUDA kernels cannot start on no rows: an empty prefix is a row of padding there.
  const ids = input.prefix.length === 0 && options.device === 'cuda' ? Int32Array.of(0) : input.prefix;
  const prefix = { ids, prefix: ids.length, first: 0, second: 0 };
  const pages = (): Feeds => {
    const layout = pageLayout(input.prefix.length, width + input.maxNewTokens, batch);
    return pageFeeds(layout, batch, options.together ?? isFasterTogether(layout, batch, config));
  };
  return {
    ...layoutRow(prefix, precision(options).attention, limitsOf(options), config).feeds,
    prefix: size(input.prefix.length),
    prompts: { data: prompts, dims: [batch, width] },
    lengths: { data: BigInt64Array.from(input.prompts, (prompt) => BigInt(prompt.length)), dims: [batch] },
    prompt_block: size(promptBlock),
    max_new_tokens: { data: BigInt64Array.of(BigInt(input.maxNewTokens)), dims: [] },
    temperature: scalar(input.temperature),
    top_k: size(input.topK),
    top_p: scalar(input.topP),
    uniforms: { data: uniforms, dims: [batch, input.maxNewTokens] },
    stop_ids: vector(Int32Array.from(input.stopIds)),
    ...(isPaged(options) ? pages() : {}),
  };
}

/** One sequence: all but its last token can be read in blocks, as a prefix. */
function readAsPrefix(input: GenerateInput): GenerateInput {
  const [prompt = new Int32Array(0)] = input.prompts;
  return { ...input, prefix: joined(input.prefix, prompt.subarray(0, -1)), prompts: [prompt.subarray(-1)] };
}

function joined(a: Int32Array, b: Int32Array): Int32Array {
  const out = new Int32Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}

/**
 * Tokens [steps, B] with -1 after a sequence's end, by sequence.
 * @throws UserError where the model gave NO_TOKEN
 */
export function collect(flat: Int32Array, batch: number, stops: ReadonlySet<number>): GenerateOutput {
  if (flat.includes(NO_TOKEN)) {
    throw new UserError('invalid_input', "The model's outputs are not numbers.", {
      hint: 'Its weights or its adapter may come from a training that diverged: use an earlier checkpoint.',
    });
  }
  const tokens: Int32Array[] = [];
  const finish: ('stop' | 'length')[] = [];
  for (let b = 0; b < batch; b++) {
    const sequence = flat.filter((token, i) => i % batch === b && token >= 0);
    tokens.push(sequence);
    finish.push(stops.has(sequence.at(-1) ?? -1) ? 'stop' : 'length');
  }
  return { tokens, finish };
}
