import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GenerateInput, ModelState } from '../../../../src/main/engine/model/runner.ts';
import { randomStream } from '../../../../src/main/engine/random.ts';
import type { ResidentModel } from '../../../../src/main/engine/resident/resident-model.ts';
import { GREEDY, nameOf, openGolden, stateOf, type GreedyCase } from './greedy-cases.ts';

const { newTokens, cases } = GREEDY;

interface Answer {
  readonly tokens: number[][];
  readonly finish: readonly ('stop' | 'length')[];
}

/** Greedy decoding with plain arrays. */
async function decode(
  runner: ResidentModel,
  state: ModelState,
  prompts: readonly (readonly number[])[],
  options: Partial<GenerateInput> = {},
): Promise<Answer> {
  const input: GenerateInput = {
    prefix: new Int32Array(0),
    prompts: prompts.map((prompt) => Int32Array.from(prompt)),
    maxNewTokens: newTokens,
    temperature: 0,
    topK: 0,
    topP: 1,
    uniforms: new Float32Array(0),
    stopIds: [],
    ...options,
  };
  const { tokens, finish } = await runner.generate(input, state);
  return { tokens: tokens.map((row) => [...row]), finish };
}

const groups = [
  ...[...new Set(cases.map(({ model }) => model))].map((model) => ({ model, kind: 'lora' as const })),
  ...cases.filter(({ trained }) => trained !== undefined).map(({ model }) => ({ model, kind: 'full' as const })),
];

it('has continuations that a float32 implementation must agree on', () => {
  expect(cases).toHaveLength(20);
  for (const { prompts, tokens, gaps } of cases) {
    expect(tokens.flat()).toHaveLength(prompts.length * newTokens);
    expect(Math.min(...gaps.flat())).toBeGreaterThan(GREEDY.gap);
  }
});

describe.each(groups)('$model ($kind) decodes as transformers', ({ model, kind }) => {
  const own = cases.filter((one) => one.model === model && (one.trained === undefined) === (kind === 'lora'));
  let runner: ResidentModel;
  beforeAll(async () => {
    runner = await openGolden(model, kind, { programs: ['logits', 'generate'] });
  });
  afterAll(() => runner.release());

  describe.each(own.map((one): [string, GreedyCase] => [nameOf(one), one]))('%s', (_, one) => {
    const { prompts, tokens, prefix, stops } = one;
    const shared = prompts.slice(-3);
    const sharedTokens = tokens.slice(-3);
    let state: ModelState;
    beforeAll(async () => {
      state = await stateOf(runner, one);
    });

    it('each prompt alone', async () => {
      for (const [i, prompt] of prompts.entries()) {
        expect(await decode(runner, state, [prompt])).toEqual({ tokens: [tokens[i]], finish: ['length'] });
      }
    });

    it('a batch of different lengths, in any order', async () => {
      expect((await decode(runner, state, prompts)).tokens).toEqual(tokens);
      expect((await decode(runner, state, prompts.toReversed())).tokens).toEqual(tokens.toReversed());
      const [a = [], , , , , f = []] = prompts;
      expect((await decode(runner, state, [a, f, a])).tokens).toEqual([tokens[0], tokens[5], tokens[0]]);
    });

    it('a shared prefix cut at every place', async () => {
      const count = own[0] === one ? 12 : 4;
      for (let cut = 0; cut <= prefix; cut++) {
        const options = { prefix: Int32Array.from(shared[0]?.slice(0, cut) ?? []), maxNewTokens: count };
        const rests = shared.map((prompt) => prompt.slice(cut));
        const expected = sharedTokens.map((row) => row.slice(0, count));
        expect((await decode(runner, state, rests, options)).tokens, `cut at ${cut}`).toEqual(expected);
      }
      const options = { prefix: Int32Array.from(shared[0]?.slice(0, prefix) ?? []) };
      const rests = shared.map((prompt) => prompt.slice(prefix));
      expect((await decode(runner, state, rests, options)).tokens).toEqual(sharedTokens);
      expect((await decode(runner, state, rests.slice(1, 2), options)).tokens).toEqual(sharedTokens.slice(1, 2));
    });

    it('stop tokens, alone and in the batch', async () => {
      for (const { stopIds, tokens: stopped } of stops) {
        const finish = stopped.map((row) => (stopIds.includes(row.at(-1) ?? -1) ? 'stop' : 'length'));
        expect(await decode(runner, state, prompts, { stopIds })).toEqual({ tokens: stopped, finish });
        for (const [i, prompt] of prompts.entries()) {
          const alone = await decode(runner, state, [prompt], { stopIds });
          expect(alone).toEqual({ tokens: [stopped[i]], finish: [finish[i]] });
        }
      }
      const unused = [...Array(320).keys()].filter((id) => !tokens.flat().includes(id));
      expect((await decode(runner, state, prompts, { stopIds: unused })).tokens).toEqual(tokens);
    });

    it('few new tokens', async () => {
      for (const maxNewTokens of [1, 2, 3]) {
        const expected = tokens.map((row) => row.slice(0, maxNewTokens));
        expect((await decode(runner, state, prompts, { maxNewTokens })).tokens).toEqual(expected);
        expect((await decode(runner, state, prompts.slice(3, 4), { maxNewTokens })).tokens).toEqual(
          expected.slice(3, 4),
        );
        // A stop token in the last place still ends the sequence.
        const stopIds = [expected[0]?.at(-1) ?? -1];
        const { finish } = await decode(runner, state, prompts.slice(0, 1), { maxNewTokens, stopIds });
        expect(finish).toEqual(['stop']);
      }
    });

    // 128 keys of the prefix are read side by side: none of it, all of it, and both.
    it.each([19, 128, 300])('the most likely token of the whole sequence read again, prefix %d', async (prefix) => {
      const random = randomStream(3, 'prompts', model);
      const draw = (length: number): number[] => Array.from({ length }, () => uniformInt(random, 0, 319));
      const prefixIds = draw(prefix);
      const rests = [draw(1), draw(7), draw(16), draw(8)];
      const answer = await decode(runner, state, rests, { prefix: Int32Array.from(prefixIds), maxNewTokens: 24 });
      for (const [i, row] of answer.tokens.entries()) {
        const prompt = [...prefixIds, ...(rests[i] ?? [])];
        const ids = Int32Array.from([...prompt, ...row]);
        const rows = Int32Array.from(row, (_, step) => prompt.length - 1 + step);
        const logits = await runner.logits({ ids, prefix: 0, first: ids.length, second: 0 }, rows, state);
        row.forEach((token, step) => {
          const at = logits.subarray(step * 320, (step + 1) * 320);
          // Where two tokens are as likely to the last digits, either is right.
          expect(at[token], `token ${step} of prompt ${i}`).toBeGreaterThan(Math.max(...at) - 1e-5);
        });
      }
    });
  });
});

it('an adapter added to a copy of the weights gives the same tokens', async () => {
  for (const one of cases.filter(({ adapter }) => adapter !== undefined).slice(0, 2)) {
    const runner = await openGolden(one.model, 'lora', { programs: ['generate'], mergeAdapter: true });
    const state = await stateOf(runner, one);
    expect((await decode(runner, state, one.prompts)).tokens).toEqual(one.tokens);
    expect((await decode(runner, state, one.prompts.slice(0, 1))).tokens).toEqual(one.tokens.slice(0, 1));
    await runner.release();
  }
});

describe('long prompts', () => {
  const [one] = cases;
  if (one === undefined) throw new Error('no case');
  let runner: ResidentModel;
  beforeAll(async () => {
    runner = await openGolden(one.model, 'lora', { programs: ['generate'], longPrompt: 12 });
  });
  afterAll(() => runner.release());

  it('are decoded one by one with the same tokens', async () => {
    const state = await stateOf(runner, one);
    const { prompts, tokens, prefix, stops } = one;
    expect((await decode(runner, state, prompts)).tokens).toEqual(tokens);
    for (const { stopIds, tokens: stopped } of stops) {
      const finish = stopped.map((row) => (stopIds.includes(row.at(-1) ?? -1) ? 'stop' : 'length'));
      expect(await decode(runner, state, prompts, { stopIds })).toEqual({ tokens: stopped, finish });
    }
    for (const cut of [0, 1, 20, prefix]) {
      const rests = prompts.slice(-3).map((prompt) => prompt.slice(cut));
      const options = { prefix: Int32Array.from(prompts.at(-1)?.slice(0, cut) ?? []) };
      expect((await decode(runner, state, rests, options)).tokens).toEqual(tokens.slice(-3));
    }
  });

  it('keep their own random numbers', async () => {
    const state = await stateOf(runner, one);
    const random = randomStream(5, 'sampling');
    const uniforms = Float32Array.from({ length: 4 * 9 }, () => uniformInt(random, 0, 9999) / 10_000);
    const options = { maxNewTokens: 9, temperature: 1.5 };
    const prompts = one.prompts.slice(2, 6);
    const batch = await decode(runner, state, prompts, { ...options, uniforms });
    const singles = [];
    for (const [i, prompt] of prompts.entries()) {
      singles.push(await decode(runner, state, [prompt], { ...options, uniforms: uniforms.slice(i * 9, i * 9 + 9) }));
    }
    expect(batch.tokens).toEqual(singles.flatMap(({ tokens }) => tokens));
  });
});
