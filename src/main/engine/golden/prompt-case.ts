import { access } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { checkJson, readJsonFile } from '../model/json-file.ts';
import type { ModelRunner, ModelState } from '../model/runner.ts';
import { loadChatTemplate, type ChatTemplate } from '../text/chat-template.ts';
import { loadTokenizer, type Tokenizer } from '../text/tokenizer.ts';
import { sumTokens } from '../training/objectives.ts';
import { ropeForModel } from '../training/rope-for.ts';
import type { CaseFiles } from './case-files.ts';
import { leaf, type Comparison, type Tree } from './comparison.ts';
import { field } from './example-values.ts';
import { argmax, checkIds, nextTokenTargets, plainRow } from './rows.ts';

const messageSchema = z.object({ role: z.enum(['system', 'user', 'assistant']), content: z.string() });
const promptSchema = z
  .object({
    id: z.string().min(1),
    messages: z.array(messageSchema).min(1).optional(),
    text: z.string().optional(),
    rendered: z.string().optional(),
    input_ids: z.array(z.int().nonnegative()).min(2),
  })
  .refine(({ messages, text }) => (messages === undefined) !== (text === undefined), 'it needs messages or a text');
const inputsSchema = z.object({
  model: z.string(),
  max_new_tokens: z.int().positive(),
  eos_token_id: z.union([z.int().nonnegative(), z.array(z.int().nonnegative())]),
  prompts: z.array(promptSchema).min(1),
});
export type PromptInputs = z.infer<typeof inputsSchema>;
type Prompt = PromptInputs['prompts'][number];

/** @throws UserError naming the field at fault */
export function readPromptInputs(file: string, raw: unknown): PromptInputs {
  return checkJson(file, raw, inputsSchema);
}

const TOKENIZER_FILE = 'tokenizer_cases.json';
const tokenizerSchema = z.object({
  add_special_tokens: z.literal(false).optional(),
  cases: z.array(z.object({ text: z.string(), ids: z.array(z.int().nonnegative()) })),
});

interface Tools {
  readonly runner: ModelRunner;
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
}

/** Template, tokenizer, greedy generation and logits of a real model. */
export async function runPromptCase(
  files: CaseFiles,
  inputs: PromptInputs,
  modelDir: string,
  runner: ModelRunner,
  comparison: Comparison,
): Promise<string[]> {
  const tools: Tools = { runner, tokenizer: await loadTokenizer(modelDir), template: await loadChatTemplate(modelDir) };
  const warnings = await compareTokenizer(files, tools.tokenizer, comparison);
  const tree: Record<string, Tree> = {};
  for (const prompt of inputs.prompts) {
    checkIds(`prompts.${prompt.id}.input_ids`, prompt.input_ids, runner.config.vocabSize);
    comparePrompt(prompt, tools, comparison);
    tree[prompt.id] = await promptValues(files, inputs, prompt, tools, comparison);
  }
  comparison.tree(files.expected, tree);
  return warnings;
}

async function compareTokenizer(files: CaseFiles, tokenizer: Tokenizer, comparison: Comparison): Promise<string[]> {
  const file = path.join(files.folder, TOKENIZER_FILE);
  const exists = await access(file).then(
    () => true,
    () => false,
  );
  if (!exists) return [`there is no ${TOKENIZER_FILE}, so the tokenizer was compared on the prompts alone`];
  const { cases } = await readJsonFile(file, tokenizerSchema);
  for (const { text, ids } of cases) {
    comparison.list('tokenizer_cases: encode', ids, tokenizer.encode(text), JSON.stringify(text));
    comparison.value('tokenizer_cases: decode', 'exact', text, tokenizer.decode(ids));
  }
  return [];
}

/** The rendered text and its tokens. */
function comparePrompt(prompt: Prompt, { tokenizer, template }: Tools, comparison: Comparison): void {
  const text =
    prompt.messages === undefined
      ? (prompt.text ?? '')
      : template.render(prompt.messages, { addGenerationPrompt: true });
  if (prompt.rendered !== undefined) comparison.value(`${prompt.id}.rendered`, 'exact', prompt.rendered, text);
  comparison.list(`${prompt.id}.input_ids`, prompt.input_ids, tokenizer.encode(text));
}

async function promptValues(
  files: CaseFiles,
  inputs: PromptInputs,
  prompt: Prompt,
  { runner, tokenizer }: Tools,
  comparison: Comparison,
): Promise<Tree> {
  const ids = Int32Array.from(prompt.input_ids);
  const length = ids.length + inputs.max_new_tokens;
  const rope = ropeForModel(runner.config, null)(length);
  const state: ModelState = { parameters: await runner.referenceParameters(), rope };

  const stopIds = [inputs.eos_token_id].flat();
  const greedy = { temperature: 0, topK: 0, topP: 1, uniforms: new Float32Array(0) };
  const request = {
    prefix: new Int32Array(0),
    prompts: [ids],
    maxNewTokens: inputs.max_new_tokens,
    stopIds,
    ...greedy,
  };
  const generated = await runner.generate(request, state);
  const tokens = generated.tokens[0] ?? new Int32Array(0);

  // The logits that each generated token was chosen from, in one pass over prompt and answer.
  const whole = plainRow([...ids, ...tokens]);
  const rows = Int32Array.from(tokens, (_, i) => ids.length - 1 + i);
  const logits = await runner.logits(whole, rows, state);
  const vocabulary = runner.config.vocabSize;
  const steps = Array.from(tokens, (_, i) => logits.subarray(i * vocabulary, (i + 1) * vocabulary));
  const gaps = steps.map(gapOf);
  const last = steps[0] ?? new Float32Array(vocabulary);

  const name = `last_position_logits.${prompt.id}`;
  const file = files.tensors.get(name);
  if (file !== undefined) {
    comparison.tensor(file, {
      name,
      group: 'last_position_logits',
      kind: 'realLogits',
      data: last,
      shape: [vocabulary],
    });
  }
  const nll = -sumTokens(await runner.score(plainRow(ids), nextTokenTargets(ids), state)) / (ids.length - 1);
  const shown = field(field(files.expected, prompt.id), 'last_position_top5');
  const count = Array.isArray(shown) ? shown.length : 0;
  return {
    prompt_tokens: leaf('exact', ids.length),
    prompt_mean_nll: leaf('nll', nll),
    last_position_top5: largest(last, count).map((id) => ({
      id: leaf('exact', id),
      token: leaf('exact', tokenizer.decode([id])),
      logit: leaf('realLogit', last[id] ?? NaN),
    })),
    generated_ids: Array.from(tokens, (token) => leaf('exact', token)),
    generated_text: leaf('exact', tokenizer.decode(tokens, { skipSpecialTokens: true })),
    finish: leaf('exact', generated.finish[0] === 'stop' ? 'eos' : 'length'),
    top1_minus_top2: gaps.map((gap) => leaf('realLogit', gap)),
    smallest_gap: leaf('realLogit', Math.min(...gaps)),
  };
}

/** Indices of the largest elements, largest first. */
function largest(values: Float32Array, count: number): number[] {
  const rest = values.slice();
  return Array.from({ length: count }, () => {
    const best = argmax(rest);
    rest[best] = -Infinity;
    return best;
  });
}

function gapOf(values: Float32Array): number {
  const [first = 0, second = 0] = largest(values, 2);
  return (values[first] ?? NaN) - (values[second] ?? NaN);
}
