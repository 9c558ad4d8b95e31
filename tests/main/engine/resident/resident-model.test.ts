import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { uniformFloat32 } from 'pure-rand/distribution/uniformFloat32';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadModelConfig } from '../../../../src/main/engine/model/config.ts';
import { exportMergedModel } from '../../../../src/main/engine/model/merge.ts';
import { initialLora, loraLayout } from '../../../../src/main/engine/model/parameters.ts';
import type {
  GenerateInput,
  ModelState,
  ObjectiveInput,
  TreeTokens,
} from '../../../../src/main/engine/model/runner.ts';
import { openWeights } from '../../../../src/main/engine/model/weights.ts';
import { randomStream } from '../../../../src/main/engine/random.ts';
import { loadResidentModel, type ResidentModel } from '../../../../src/main/engine/resident/resident-model.ts';
import { ropeForModel } from '../../../../src/main/engine/training/rope-for.ts';
import { openGolden, stateOf } from '../generation/greedy-cases.ts';
import { expectUserError } from '../model/model-folder.ts';
import { GOLDEN_ROOT } from '../training/golden-longpo.ts';

const VOCAB = 320;
const POSITIONS = 120;
const EMPTY = new Int32Array(0);

function draw(label: string, length: number): Int32Array {
  const random = randomStream(17, label);
  return Int32Array.from({ length }, () => uniformInt(random, 0, VOCAB - 1));
}

const plain = (ids: Int32Array): TreeTokens => ({ ids, prefix: 0, first: ids.length, second: 0 });
const allRows = (ids: Int32Array): Int32Array => Int32Array.from(ids.keys());

function request(prompts: readonly Int32Array[], options: Partial<GenerateInput> = {}): GenerateInput {
  return {
    prefix: EMPTY,
    prompts,
    maxNewTokens: 8,
    temperature: 0,
    topK: 0,
    topP: 1,
    uniforms: new Float32Array(0),
    stopIds: [],
    ...options,
  };
}

/** A request that samples, with uniform numbers of its own for each prompt. */
function sampling(prompts: readonly Int32Array[], options: Partial<GenerateInput> = {}): GenerateInput {
  const random = randomStream(2, 'uniforms');
  const maxNewTokens = options.maxNewTokens ?? 8;
  const uniforms = Float32Array.from({ length: prompts.length * maxNewTokens }, () => uniformFloat32(random));
  return request(prompts, { temperature: 0.9, topK: 200, topP: 0.98, uniforms, ...options });
}

let runner: ResidentModel;
let base: ModelState;
let adapted: ModelState;
beforeAll(async () => {
  runner = await openGolden('llama', 'lora', { threads: 2 });
  base = await stateOf(runner, { model: 'llama' }, POSITIONS);
  adapted = await stateOf(runner, { model: 'llama', adapter: 'llama' }, POSITIONS);
});
afterAll(() => runner.release());

describe('one session for policy and reference', () => {
  const ids = draw('reference', 37);

  it('a zero adapter gives the logits of the model loaded by itself, bit for bit, also after training', async () => {
    const before = await runner.logits(plain(ids), allRows(ids), base);
    const trained = await runner.logits(plain(ids), allRows(ids), adapted);
    const after = await runner.logits(plain(ids), allRows(ids), base);
    expect(after).toEqual(before);
    expect(trained).not.toEqual(before);

    const alone = await openGolden('llama', 'full', { threads: 2, programs: ['logits'] });
    const state = { parameters: await alone.referenceParameters(), rope: base.rope };
    expect(await alone.logits(plain(ids), allRows(ids), state)).toEqual(before);
    await alone.release();
  });

  it('gives the start values of training without changing the reference', async () => {
    const start = await runner.initialParameters(3);
    expect(start).toEqual(initialLora(runner.layout, 3));
    expect(await runner.referenceParameters()).toEqual(new Float32Array(runner.layout.total));
    const full = await openGolden('llama', 'full', { programs: ['logits'] });
    const first = await full.initialParameters(3);
    expect(first).toEqual(await full.referenceParameters());
    first.fill(0);
    expect((await full.referenceParameters()).some((value) => value !== 0)).toBe(true);
    await full.release();
  });
});

describe('repeated runs', () => {
  it('give the same bits with two threads, whatever ran between', async () => {
    const ids = draw('repeat', 90);
    const tree: TreeTokens = { ids, prefix: 40, first: 30, second: 20 };
    const targets = { from: Int32Array.from({ length: 60 }, (_, i) => i), target: draw('targets', 60) };
    const objective: ObjectiveInput = {
      nllWeight: new Float32Array(60).fill(1 / 60),
      chosenMask: Float32Array.from({ length: 60 }, (_, i) => Number(i > 40 && i < 50)),
      rejectedMask: Float32Array.from({ length: 60 }, (_, i) => Number(i >= 50)),
      referenceChosen: -50,
      referenceRejected: -55,
      beta: 0.1,
      lambda: 1,
      odds: false,
    };
    const prompts = [draw('a', 5), draw('b', 31), draw('c', 12)];
    const once = async (): Promise<unknown[]> => [
      await runner.gradients(tree, targets, objective, adapted),
      await runner.generate(sampling(prompts, { prefix: ids.subarray(0, 20) }), adapted),
      await runner.score(tree, targets, adapted),
      await runner.logProbabilities(tree, targets.from, adapted),
      await runner.hiddenStates(tree, adapted),
    ];
    const first = await once();
    for (let i = 0; i < 4; i++) expect(await once()).toEqual(first);
  });
});

describe('sampling', () => {
  const document = draw('document', 26);
  const questions = [draw('q1', 3), draw('q2', 11), draw('q3', 6), draw('q4', 1), draw('q5', 20)];
  const prompts = questions.map((question) => Int32Array.from([...document, ...question]));

  it('depends on the uniform numbers, not on batch, order or shared prefix', async () => {
    const n = 20;
    const input = sampling(prompts, { maxNewTokens: n, stopIds: [4, 90, 91, 92, 93, 94, 95] });
    const { tokens, finish } = await runner.generate(input, adapted);
    expect(new Set(tokens.map((row) => row.join())).size).toBe(5);
    expect(tokens.some((row) => row.length === n)).toBe(true);

    for (const cut of [1, 13, 26]) {
      const rests = prompts.map((prompt) => prompt.slice(cut));
      const shared = await runner.generate({ ...input, prefix: document.slice(0, cut), prompts: rests }, adapted);
      expect(shared).toEqual({ tokens, finish });
    }
    for (const order of [[4, 3, 2, 1, 0], [2, 0, 4], [1], [3, 3]]) {
      const uniforms = Float32Array.from(order.flatMap((i) => [...input.uniforms.subarray(i * n, (i + 1) * n)]));
      const some = await runner.generate(
        { ...input, prompts: order.map((i) => prompts[i] ?? EMPTY), uniforms },
        adapted,
      );
      expect(some.tokens).toEqual(order.map((i) => tokens[i]));
      expect(some.finish).toEqual(order.map((i) => finish[i]));
    }
  });

  it('draws each token with its own number from the distribution after all before it', async () => {
    const n = 16;
    const two = [prompts[1] ?? EMPTY, prompts[4] ?? EMPTY];
    const input = sampling(two, { maxNewTokens: n, temperature: 1, topK: 0, topP: 1 });
    const { tokens } = await runner.generate(input, base);
    for (const [row, prompt] of two.entries()) {
      const drawn = tokens[row] ?? EMPTY;
      const ids = Int32Array.from([...prompt, ...drawn]);
      const rows = Int32Array.from(drawn, (_, step) => prompt.length - 1 + step);
      const logps = await runner.logProbabilities(plain(ids), rows, base);
      drawn.forEach((token, step) => {
        const at = logps.subarray(step * VOCAB, (step + 1) * VOCAB);
        const order = [...at.keys()].sort((a, b) => (at[b] ?? 0) - (at[a] ?? 0));
        const before = order.slice(0, order.indexOf(token)).reduce((sum, id) => sum + Math.exp(at[id] ?? 0), 0);
        const uniform = input.uniforms[row * n + step] ?? NaN;
        expect(uniform, `token ${step} of row ${row}`).toBeGreaterThan(before - 1e-5);
        expect(uniform, `token ${step} of row ${row}`).toBeLessThan(before + Math.exp(at[token] ?? NaN) + 1e-5);
      });
    }
  });
});

describe('a model whose values are not numbers', () => {
  it.each([
    ['greedy', request],
    ['sampled', sampling],
  ])('answers with an error that says so, %s', async (_, make) => {
    const parameters = adapted.parameters.slice();
    parameters[100] = NaN;
    const answer = runner.generate(make([draw('nan', 6), draw('nan2', 9)]), { ...adapted, parameters });
    await expectUserError(answer, 'invalid_input', 'not numbers');
    expect((await runner.generate(make([draw('nan', 6)]), adapted)).finish).toEqual(['length']);
  });
});

describe('half-precision weights', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'longhand-half-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** A copy of a model folder in another type. */
  async function copy(sourceDir: string, name: string, dtype: 'bfloat16' | 'float16' | 'float32'): Promise<string> {
    const config = await loadModelConfig(sourceDir);
    const layout = loraLayout(config, { rank: 1, alpha: 1, rslora: false, targets: ['q_proj'] });
    const weights = await openWeights(sourceDir, config);
    const vector = new Float32Array(layout.total);
    await exportMergedModel(path.join(folder, name), { sourceDir, config, weights, layout, vector, dtype });
    return path.join(folder, name);
  }

  it.each([
    { model: 'llama', dtype: 'bfloat16' as const },
    { model: 'mistral', dtype: 'float16' as const },
    { model: 'qwen2', dtype: 'bfloat16' as const },
    { model: 'qwen2', dtype: 'float16' as const },
  ])('$model in $dtype gives the logits of the same values in float32', async ({ model, dtype }) => {
    const original = path.join(GOLDEN_ROOT, 'models', model);
    const half = await copy(original, `${model}-${dtype}`, dtype);
    const widened = await copy(half, `${model}-${dtype}-widened`, 'float32');
    const ids = draw('half', 30);
    const results = [];
    for (const dir of [half, widened, original]) {
      const trainable = { kind: 'lora', rank: 1, alpha: 1, rslora: false, targets: ['v_proj'] } as const;
      const loaded = await loadResidentModel(dir, {
        device: 'cpu',
        threads: 1,
        trainable,
        programs: ['logits', 'generate'],
      });
      const rope = ropeForModel(loaded.config, null)(POSITIONS);
      const state = { parameters: await loaded.referenceParameters(), rope };
      const logits = await loaded.logits(plain(ids), allRows(ids), state);
      const { tokens } = await loaded.generate(request([ids, ids.subarray(0, 9)], { maxNewTokens: 12 }), state);
      results.push({ logits, tokens });
      await loaded.release();
    }
    const [fromHalf, fromWidened, fromOriginal] = results;
    expect(fromHalf).toEqual(fromWidened);
    expect(fromHalf?.logits).not.toEqual(fromOriginal?.logits);
    const bytes = async (dir: string): Promise<string> => readFile(path.join(dir, 'config.json'), 'utf8');
    expect(await bytes(half)).toContain(dtype);
  });

  it('trains all of a half-precision model from its widened values', async () => {
    const half = await copy(path.join(GOLDEN_ROOT, 'models/qwen3'), 'qwen3-full', 'bfloat16');
    const options = { device: 'cpu', threads: 1, programs: ['logits'] } as const;
    const full = await loadResidentModel(half, { ...options, trainable: { kind: 'full' } });
    const trainable = { kind: 'lora', rank: 1, alpha: 1, rslora: false, targets: ['v_proj'] } as const;
    const lora = await loadResidentModel(half, { ...options, trainable });
    const ids = draw('full', 21);
    const logits = [];
    for (const model of [full, lora]) {
      const rope = ropeForModel(model.config, null)(POSITIONS);
      logits.push(
        await model.logits(plain(ids), allRows(ids), { parameters: await model.referenceParameters(), rope }),
      );
      await model.release();
    }
    expect(logits[0]).toEqual(logits[1]);
  });
});

describe('calls that cannot be right are refused before anything runs', () => {
  const ids = draw('refused', 20);
  const rows = Int32Array.of(3, 19);

  it.each([
    ['a vector of another length', { parameters: new Float32Array(7) }, /7 parameters, expected \d+/],
    [
      'rotary tables of another head size',
      { rope: { cos: new Float32Array(480), sin: new Float32Array(480), length: 120, half: 4 } },
      /rotary tables.*4.*8/,
    ],
    [
      'rotary tables that are too short',
      { rope: { cos: new Float32Array(152), sin: new Float32Array(152), length: 19, half: 8 } },
      /position 19.*19 positions/,
    ],
  ])('%s', async (_, change, message) => {
    await expect(runner.logits(plain(ids), rows, { ...base, ...change })).rejects.toThrow(message);
  });

  it.each([
    ['a token id that is not in the vocabulary', { ...plain(ids), ids: ids.with(5, VOCAB) }, /token 320.*320/],
    ['a negative token id', { ...plain(ids), ids: ids.with(5, -1) }, /token -1/],
    ['a row without tokens', plain(EMPTY), /no tokens/],
    ['parts that do not add up', { ids, prefix: 3, first: 4, second: 5 }, /add up/],
    ['a negative part', { ids, prefix: 24, first: -4, second: 0 }, /-4/],
    ['positions of another length', { ...plain(ids), positions: Int32Array.of(1, 2) }, /2 positions for 20 tokens/],
    [
      'a position beyond the tables',
      { ...plain(ids), positions: allRows(ids).with(19, POSITIONS) },
      /position 120.*120 positions/,
    ],
    ['a negative position', { ...plain(ids), positions: allRows(ids).with(0, -1) }, /position -1/],
  ])('%s', async (_, tokens, message) => {
    await expect(runner.logits(tokens, Int32Array.of(0), base)).rejects.toThrow(message);
    await expect(runner.hiddenStates(tokens, base)).rejects.toThrow(message);
  });

  it('rows and targets outside the sequence or the vocabulary', async () => {
    await expect(runner.logits(plain(ids), Int32Array.of(20), base)).rejects.toThrow(/row 20.*20/);
    await expect(runner.logProbabilities(plain(ids), Int32Array.of(-1), base)).rejects.toThrow(/row -1/);
    const score = (from: Int32Array, target: Int32Array): Promise<unknown> =>
      runner.score(plain(ids), { from, target }, base);
    await expect(score(rows, Int32Array.of(1, VOCAB))).rejects.toThrow(/token 320/);
    await expect(score(rows, Int32Array.of(1, -100))).rejects.toThrow(/token -100/);
    await expect(score(rows, Int32Array.of(1))).rejects.toThrow(/1 targets for 2 rows/);
  });

  it('an objective of another length', async () => {
    const weights = (length: number): Float32Array => new Float32Array(length);
    const objective: ObjectiveInput = {
      nllWeight: weights(2),
      chosenMask: weights(1),
      rejectedMask: weights(2),
      referenceChosen: 0,
      referenceRejected: 0,
      beta: 1,
      lambda: 1,
      odds: false,
    };
    const targets = { from: rows, target: Int32Array.of(1, 2) };
    await expect(runner.gradients(plain(ids), targets, objective, base)).rejects.toThrow(/chosenMask.*1.*2/);
  });

  it.each<[string, Partial<GenerateInput>, RegExp]>([
    ['no prompts', { prompts: [] }, /no prompts/],
    ['an empty prompt', { prompts: [ids, EMPTY] }, /prompt 1 is empty/],
    ['a prompt id that is not in the vocabulary', { prompts: [ids, Int32Array.of(1, 321)] }, /token 321/],
    ['a prefix id that is not in the vocabulary', { prefix: Int32Array.of(-5) }, /token -5/],
    ['no new tokens', { maxNewTokens: 0 }, /maxNewTokens.*0/],
    ['half a token', { maxNewTokens: 1.5 }, /maxNewTokens.*1\.5/],
    ['a negative temperature', { temperature: -0.5 }, /temperature.*-0\.5/],
    ['a temperature that is no number', { temperature: NaN }, /temperature.*NaN/],
    ['an infinite temperature', { temperature: Infinity }, /temperature.*Infinity/],
    ['a negative top-k', { topK: -1 }, /topK.*-1/],
    ['a top-p of 0', { topP: 0 }, /topP.*0/],
    ['a top-p above 1', { topP: 1.01 }, /topP.*1\.01/],
    ['uniform numbers that are missing', { temperature: 1 }, /0 uniform numbers.*16/],
    ['a uniform number of 1', { temperature: 1, uniforms: new Float32Array(16).fill(1) }, /uniform number 1/],
    [
      'a negative uniform number',
      { temperature: 1, uniforms: new Float32Array(16).fill(-0.1) },
      /uniform number -0\.1/,
    ],
  ])('generating with %s', async (_, options, message) => {
    await expect(runner.generate(request([ids, ids.subarray(3)], options), base)).rejects.toThrow(message);
  });

  it('generating beyond the rotary tables, which may be used up to the last position', async () => {
    const prompts = [ids, ids.subarray(0, 4)];
    // 20 tokens after a prefix of 50: the last new token is not read again, so 51 fit into 120 positions.
    const options = { prefix: draw('prefix', 50), maxNewTokens: 51 };
    const { tokens } = await runner.generate(request(prompts, options), base);
    expect(tokens.map((row) => row.length)).toEqual([51, 51]);
    await expect(runner.generate(request(prompts, { ...options, maxNewTokens: 52 }), base)).rejects.toThrow(
      /position 120.*120 positions/,
    );
  });

  it('not a padded prompt at the end of the rotary tables', async () => {
    // 19 tokens of two sequences are read in blocks of 4, so 20 rows.
    const prompts = [ids.subarray(0, 19), ids.subarray(5)];
    const rope = ropeForModel(runner.config, null)(19);
    const expected = await runner.generate(request(prompts, { maxNewTokens: 1 }), base);
    expect(await runner.generate(request(prompts, { maxNewTokens: 1 }), { ...base, rope })).toEqual(expected);
  });

  it('a program that was not built', async () => {
    const small = await openGolden('llama', 'lora', { programs: ['score'] });
    const target = Int32Array.of(5, 6);
    expect(await small.score(plain(ids), { from: rows, target }, base)).toHaveLength(2);
    await expect(small.generate(request([ids]), base)).rejects.toThrow(/program "generate" was not built.*score/);
    await expect(small.logits(plain(ids), rows, base)).rejects.toThrow(/program "logits" was not built/);
    await small.release();
  });

  it('a second call while one runs, and release meanwhile', async () => {
    const first = runner.logits(plain(ids), rows, base);
    await expect(runner.logits(plain(ids), rows, base)).rejects.toThrow(/must not overlap/);
    await expect(runner.generate(request([ids]), base)).rejects.toThrow(/must not overlap/);
    await expect(runner.release()).rejects.toThrow(/must not overlap/);
    const logits = await first;
    expect(await runner.logits(plain(ids), rows, base)).toEqual(logits);
    // Prompts that are decoded one by one are one call.
    const longOnes = await openGolden('llama', 'lora', { programs: ['generate'], longPrompt: 4 });
    const whole = longOnes.generate(request([ids, ids]), base);
    await new Promise((resolve) => setTimeout(resolve, 1));
    await expect(longOnes.generate(request([ids]), base)).rejects.toThrow(/must not overlap/);
    await whole;
    await longOnes.release();
  });

  it('leaves the model usable after an error', async () => {
    await expect(runner.generate(request([EMPTY]), base)).rejects.toThrow();
    expect((await runner.generate(request([ids]), base)).tokens).toHaveLength(1);
  });
});
