import { z } from 'zod';
import { UserError } from '../../../shared/errors.ts';
import { checkJson } from '../model/json-file.ts';
import type { ModelRunner, ModelState } from '../model/runner.ts';
import { ropeFrequencies } from '../model/rope.ts';
import { sumTokens } from '../training/objectives.ts';
import { ropeForModel } from '../training/rope-for.ts';
import type { CaseFiles } from './case-files.ts';
import { leaf, type Comparison, type OurTensor, type Tree } from './comparison.ts';
import { argmax, checkIds, nextTokenTargets, plainRow } from './rows.ts';

const numbers = z.array(z.array(z.int().nonnegative()).min(1)).min(1);

const inputsSchema = z.object({
  model: z.string(),
  input_ids: numbers,
  lengths: z.array(z.int().positive()).optional(),
  attention_mask: z.array(z.array(z.int())).optional(),
  gapped: z.object({ input_ids: numbers, position_ids: numbers }).optional(),
});
export type ForwardInputs = z.infer<typeof inputsSchema>;

/** @throws UserError naming the field at fault */
export function readForwardInputs(file: string, raw: unknown): ForwardInputs {
  const inputs = checkJson(file, raw, inputsSchema);
  const { input_ids: ids, lengths, gapped } = inputs;
  const bad = (field: string, problem: string): UserError =>
    new UserError('invalid_input', `${file}: "${field}" ${problem}.`, {
      hint: 'The file is damaged; take the original.',
      place: { file, field },
    });
  const width = ids[0]?.length ?? 0;
  if (ids.some((row) => row.length !== width)) throw bad('input_ids', 'has rows of different lengths');
  if (lengths !== undefined && (lengths.length !== ids.length || lengths.some((length) => length > width))) {
    throw bad('lengths', `does not fit ${ids.length} rows of ${width} tokens`);
  }
  const same = gapped?.input_ids.every(
    (row, i) => row.length === gapped.position_ids[i]?.length && row.length === gapped.input_ids[0]?.length,
  );
  if (same === false) throw bad('gapped.position_ids', 'does not fit gapped.input_ids');
  return inputs;
}

/** What one batch of rows gives, each row computed alone and unpadded. */
interface BatchValues {
  readonly logits: OurTensor;
  readonly logprobs: OurTensor;
  readonly sums: number[];
  readonly last: number[];
}

/** Logits, log-probabilities and hidden states of a model, and its rotary frequencies. */
export async function runForwardCase(
  files: CaseFiles,
  inputs: ForwardInputs,
  runner: ModelRunner,
  comparison: Comparison,
): Promise<void> {
  const { config } = runner;
  const { input_ids: ids, gapped } = inputs;
  const lengths = inputs.lengths ?? ids.map((row) => row.length);
  ids.forEach((row, i) => {
    checkIds(`input_ids.${i}`, row, config.vocabSize);
  });
  const parameters = await runner.referenceParameters();
  const ropeFor = ropeForModel(config, null);
  const state = (positions: number): ModelState => ({ parameters, rope: ropeFor(positions) });

  inputs.attention_mask?.forEach((mask, i) => {
    const ours = Int32Array.from(ids[i] ?? [], (_, t) => (t < (lengths[i] ?? 0) ? 1 : 0));
    comparison.list('attention_mask', mask, ours);
  });

  const batch = await batchValues(runner, state, ids, lengths, '');
  const tensors = [batch.logits, batch.logprobs];
  const tokens = lengths.reduce((sum, length) => sum + length - 1, 0);
  const scalars: Record<string, Tree> = {
    sum_logprobs: batch.sums.map((sum) => leaf('logpSum', sum)),
    mean_nll_of_the_batch: leaf('nll', -batch.sums.reduce((a, b) => a + b, 0) / tokens),
    argmax_of_the_last_token: batch.last.map((token) => leaf('exact', token)),
  };
  if (gapped !== undefined) {
    gapped.input_ids.forEach((row, i) => {
      checkIds(`gapped.input_ids.${i}`, row, config.vocabSize);
    });
    const whole = gapped.input_ids.map((row) => row.length);
    const values = await batchValues(runner, state, gapped.input_ids, whole, 'gapped.', gapped.position_ids);
    tensors.push(values.logits, values.logprobs);
    scalars['gapped_sum_logprobs'] = values.sums.map((sum) => leaf('logpSum', sum));
  }
  tensors.push(...(await hiddenTensors(runner, state, ids[0] ?? [], lengths[0] ?? 0)));

  comparison.tree(files.expected['fp64'] ?? files.expected['fp32'], scalars);
  const rope = ropeFrequencies(config.rope, config.headDim);
  comparison.tree(files.expected, {
    rope: {
      inv_freq: Array.from(rope.inverseFrequencies, (value) => leaf('frequency', value)),
      cos_sin_multiplier: leaf('frequency', rope.multiplier),
    },
  });
  for (const tensor of tensors) {
    const file = files.tensors.get(tensor.name);
    if (file !== undefined) comparison.tensor(file, tensor);
  }
}

async function batchValues(
  runner: ModelRunner,
  state: (positions: number) => ModelState,
  ids: readonly (readonly number[])[],
  lengths: readonly number[],
  name: string,
  positions?: readonly (readonly number[])[],
): Promise<BatchValues> {
  const rows = ids.length;
  const width = ids[0]?.length ?? 0;
  const vocabulary = runner.config.vocabSize;
  const logits = new Float32Array(rows * width * vocabulary);
  const logprobs = new Float32Array(rows * (width - 1));
  const sums: number[] = [];
  const last: number[] = [];
  for (const [i, row] of ids.entries()) {
    const length = lengths[i] ?? 0;
    const own = positions?.[i];
    const tokens = plainRow(row.slice(0, length), own);
    const at = state(own === undefined ? length : Math.max(...own) + 1);
    const all = await runner.logits(
      tokens,
      Int32Array.from({ length }, (_, t) => t),
      at,
    );
    const scores = length < 2 ? new Float32Array(0) : await runner.score(tokens, nextTokenTargets(tokens.ids), at);
    logits.set(all, i * width * vocabulary);
    logprobs.set(scores, i * (width - 1));
    sums.push(sumTokens(scores));
    last.push(argmax(all.subarray((length - 1) * vocabulary)));
  }
  const ranges = (perRow: number, used: (length: number) => number): [number, number][] =>
    lengths.map((length, i) => [i * perRow, i * perRow + used(length)]);
  return {
    logits: {
      name: `${name}logits`,
      group: `${name}logits`,
      kind: 'logits',
      data: logits,
      shape: [rows, width, vocabulary],
      ranges: ranges(width * vocabulary, (length) => length * vocabulary),
    },
    logprobs: {
      name: `${name}logprobs`,
      group: `${name}logprobs`,
      kind: 'tokenLogp',
      data: logprobs,
      shape: [rows, width - 1],
      ranges: ranges(width - 1, (length) => length - 1),
    },
    sums,
    last,
  };
}

/** Hidden states of one row; the file's may go on over the padding, which is not compared. */
async function hiddenTensors(
  runner: ModelRunner,
  state: (positions: number) => ModelState,
  row: readonly number[],
  length: number,
): Promise<OurTensor[]> {
  const { hiddenSize, numLayers } = runner.config;
  const states = await runner.hiddenStates(plainRow(row.slice(0, length)), state(length));
  return Array.from({ length: numLayers + 1 }, (_, i): OurTensor => {
    const data = new Float32Array(row.length * hiddenSize);
    data.set(states.subarray(i * length * hiddenSize, (i + 1) * length * hiddenSize));
    return {
      name: `hidden_states.${i}`,
      group: 'hidden_states',
      kind: 'logits',
      data,
      shape: [1, row.length, hiddenSize],
      ranges: [[0, length * hiddenSize]],
    };
  });
}
